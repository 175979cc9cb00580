import { OpenAPIHono } from "@hono/zod-openapi";
import type { Server } from "bun";
import type { RequestIdVariables } from "hono/request-id";
import type { SocketData } from "../socket/sockets.ts";
import { invalidInput } from "../wire/problems.ts";

export interface AppEnv {
  Bindings: { server: Server<SocketData> };
  Variables: RequestIdVariables;
}

/** A router on which what doesn't fit a route's schemas is the problem `invalid`. */
export function createRouter() {
  return new OpenAPIHono<AppEnv>({
    defaultHook: (result) => {
      if (!result.success) throw invalidInput(result.error);
    },
  });
}
