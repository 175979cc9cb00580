// Answers requests for unknown paths, and for methods that a path does not have.
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { NotFoundHandler } from "hono";
import { Problem } from "../wire/problems.ts";
import { problemResponse } from "./middleware.ts";
import { withoutTokens } from "./request-log.ts";
import type { AppEnv } from "./router.ts";

/** @returns the handler for requests that no route of `app` takes; all routes must have been mounted by the first one */
export function createNotFound(app: OpenAPIHono<AppEnv>): NotFoundHandler<AppEnv> {
  let routes: { method: string; path: RegExp }[] | undefined;
  return (c) => {
    const { method, path } = c.req;
    routes ??= app.routes
      .filter((route) => route.method !== "ALL")
      .map((route) => ({ method: route.method, path: patternOf(route.path) }));
    const allowed = new Set(
      routes.filter((route) => route.path.test(path)).map((route) => route.method),
    );
    // RFC 9110 §9.3.2: HEAD is answered wherever GET is.
    if (allowed.has("GET")) allowed.add("HEAD");
    // HEAD is answered as GET is, down to the length of a body that is not sent.
    const named = method === "HEAD" ? "GET" : method;
    if (allowed.size === 0 || allowed.has(method)) {
      const detail = `There is no ${named} ${withoutTokens(path)}.`;
      return problemResponse(c, new Problem("not_found", detail));
    }
    // RFC 9110 §15.5.6: 405 lists the methods that the path has.
    c.header("Allow", [...allowed].toSorted().join(", "));
    const detail = `${withoutTokens(path)} has no ${named}, only ${[...allowed].toSorted().join(", ")}.`;
    return problemResponse(c, new Problem("method_not_allowed", detail));
  };
}

/** The regular expression of a Hono path such as `/api/chats/:chat_id` or `/page/:file`. */
function patternOf(path: string): RegExp {
  const parts = path.split("/").map((part) => {
    const parameter = /^:\w+(?:\{(.+)\})?$/.exec(part);
    return parameter ? (parameter[1] ?? "[^/]+") : RegExp.escape(part);
  });
  return new RegExp(`^${parts.join("/")}$`);
}
