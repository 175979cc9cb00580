import { zValidator } from "@hono/zod-validator";
import { z } from "zod";
import { createRouter } from "../http/router.ts";
import { invalidInput, Problem } from "../wire/problems.ts";
import { socketPath, type SocketUpgrade } from "./upgrade.ts";

const SocketQuery = z.object({ token: z.string().optional(), frames: z.string().optional() });

/** The WebSocket upgrade. It is no operation of the OpenAPI document, since OpenAPI can't describe sockets. */
export function socketRoutes(sockets: SocketUpgrade) {
  return createRouter().get(
    socketPath,
    zValidator("query", SocketQuery, (result) => {
      if (!result.success) throw invalidInput(result.error);
    }),
    async (c) => {
      const { raw: request } = c.req;
      const client = c.get("client");
      const refusal = sockets.refusalOf(request, client);
      if (refusal) throw refusal;
      const isUpgraded = await sockets.upgrade(c.env.server, {
        request,
        client,
        requestId: c.get("requestId"),
        query: c.req.valid("query"),
      });
      if (!isUpgraded) throw new Problem("bad_request", "The WebSocket handshake is not valid.");
      // After the upgrade the connection is not HTTP any more, and this response is not sent.
      return new Response(null);
    },
  );
}
