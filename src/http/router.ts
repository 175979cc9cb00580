import { OpenAPIHono } from "@hono/zod-openapi";
import type { RequestIdVariables } from "hono/request-id";
import { invalidInput, Problem } from "../wire/problems.ts";
import type { Doer } from "../rate-limits/rate-limits.ts";
import type { Client } from "./address.ts";

/** The parts of Bun's server that answering a request needs. */
export interface RequestServer {
  requestIP(request: Request): { address: string } | null;
  upgrade(request: Request, options: { data: unknown }): boolean;
}

export interface AppEnv {
  Bindings: { server: RequestServer };
  Variables: RequestIdVariables & {
    client: Client;
    /** Whom a request counts for; undefined where nothing is counted. */
    doer: Doer | undefined;
  };
}

/** A router on which what doesn't fit a route's schemas is the problem `invalid`. */
export function createRouter() {
  return new OpenAPIHono<AppEnv>({
    // Clients of the FastAPI server were sent on when they wrote /api/chats/.
    strict: false,
    defaultHook: (result, c) => {
      // The edge leaves no Content-Type where there is no body. Hono would validate an empty object in its place.
      if (result.target === "json" && !c.req.header("content-type")) {
        throw new Problem("not_json", "Send a body: one JSON object.");
      }
      if (!result.success) throw invalidInput(result.error);
    },
  });
}
