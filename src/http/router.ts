import { OpenAPIHono } from "@hono/zod-openapi";
import type { RequestIdVariables } from "hono/request-id";
import { getPath } from "hono/utils/url";
import { plainWords, queryWords } from "../wire/plain-words.ts";
import { invalidInput, Problem } from "../wire/problems.ts";
import type { Doer } from "../rate-limits/rate-limits.ts";
import type { Client } from "./address.ts";

/** The parts of Bun's server that answering a request needs. */
export interface RequestServer {
  requestIP(request: Request): { address: string } | null;
  upgrade(request: Request, options: { data: unknown }): boolean;
}

export interface AppEnv {
  Bindings: {
    server: RequestServer;
    /** The reason why the request did not become a socket, where it is known before the routes. */
    socketRefusal?: Problem | undefined;
  };
  Variables: RequestIdVariables & {
    client: Client;
    /** The person and network that a request counts for; undefined where nothing is counted. */
    doer: Doer | undefined;
  };
}

/** Paths at which the FastAPI server redirected a request with a slash at the end, such as `/api/chats/`. */
const slashTolerated: Record<string, RegExp> = {
  GET: /^(\/api\/auth\/me|\/api\/chats(\/[^/]+(\/(messages|participants|read-receipts))?)?|\/api\/users\/search|\/health|\/docs)\/$/,
  POST: /^(\/api\/auth\/(register|login)|\/api\/chats(\/[^/]+\/(invite|mark-read))?)\/$/,
};

/**
 * The path by which a request is routed. A slash at the end is ignored on those GET and POST paths only: Bun's
 * URL parser has resolved dot segments before, so that `DELETE …/participants/%2e%2e` arrives as a chat's path with a slash.
 */
function withoutFinalSlash(method: string, path: string): string {
  const isTolerated = slashTolerated[method === "HEAD" ? "GET" : method]?.test(path) ?? false;
  return isTolerated ? path.slice(0, -1) : path;
}

/** A router that answers a request that doesn't match its route's schemas with the problem `invalid`. */
export function createRouter() {
  return new OpenAPIHono<AppEnv>({
    getPath: (request) => withoutFinalSlash(request.method, getPath(request)),
    defaultHook: (result, c) => {
      // requireJson removes the Content-Type of a missing body. Hono would validate an empty object in its place.
      if (result.target === "json" && !c.req.header("content-type")) {
        throw new Problem("not_json", "Send a body: one JSON object.");
      }
      if (!result.success) {
        throw invalidInput(result.error, result.target === "query" ? queryWords : plainWords);
      }
    },
  });
}
