import { OpenAPIHono } from "@hono/zod-openapi";
import type { Server } from "bun";
import type { RequestIdVariables } from "hono/request-id";
import type { SocketData } from "../socket/registry.ts";
import { invalidInput, Problem } from "../wire/problems.ts";
import type { Doer } from "../rate-limits/rates.ts";
import type { Client } from "./address.ts";

export interface AppEnv {
  Bindings: { server: Server<SocketData> };
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
