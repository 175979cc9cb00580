import { zValidator } from "@hono/zod-validator";
import { z } from "zod";
import { createRouter } from "../http/router.ts";
import { invalidInput, Problem } from "../wire/problems.ts";
import { socketPath, type SocketUpgrade } from "./upgrade.ts";

const SocketQuery = z.object({ token: z.string().optional(), frames: z.string().optional() });

/**
 * The refusals of the WebSocket endpoint: a request that can be upgraded was upgraded before it came to the routes. It is no operation of
 * the OpenAPI document, since OpenAPI can't describe sockets.
 */
export function socketRoutes(sockets: SocketUpgrade) {
  return createRouter().get(
    socketPath,
    zValidator("query", SocketQuery, (result) => {
      if (!result.success) throw invalidInput(result.error);
    }),
    (c) => {
      throw (
        c.env.socketRefusal ??
        sockets.refusalOf(c.req.raw, c.get("client")) ??
        new Problem("bad_request", "The WebSocket handshake is not valid.")
      );
    },
  );
}
