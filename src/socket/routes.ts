import { zValidator } from "@hono/zod-validator";
import { z } from "zod";
import type { Ctx } from "../context.ts";
import { clientAddress, networkOf } from "../http/address.ts";
import { mayConnect } from "../http/edge.ts";
import { createRouter } from "../http/router.ts";
import type { SocketData } from "./session.ts";
import { invalidInput, Problem } from "../wire/problems.ts";

// Whatever it is, a token is looked at after the upgrade: a page can't read the status of a handshake that failed.
const SocketQuery = z.object({ token: z.string().optional() });

/** The WebSocket upgrade. It is no operation of the OpenAPI document, since OpenAPI has no words for sockets. */
export function socketRoutes(ctx: Ctx) {
  return createRouter().get(
    "/ws",
    zValidator("query", SocketQuery, (result) => {
      if (!result.success) throw invalidInput(result.error);
    }),
    async (c) => {
      if (c.req.header("upgrade")?.toLowerCase() !== "websocket") {
        throw new Problem(
          "bad_request",
          "This is a WebSocket endpoint: connect with a WebSocket client.",
        );
      }
      if (ctx.lifecycle.closing) {
        throw new Problem("unavailable", "The server is restarting.", { retryAfterSeconds: 2 });
      }
      if (!mayConnect(ctx.config, c.req.header("origin"), c.req.header("host"))) {
        throw new Problem(
          "origin_not_allowed",
          "Pages of this origin may not connect. See CORS_ORIGINS.",
        );
      }
      const { server } = c.env;
      const address = clientAddress(c);
      const network = networkOf(address);
      const { refusal } = await ctx.rateLimits.take("connects", { network });
      const data: SocketData = {
        address,
        network,
        refusal: refusal?.detail,
        requestId: c.get("requestId"),
        openedAtMs: ctx.now().getTime(),
        token: c.req.valid("query").token,
        opening: undefined,
        session: undefined,
        inbox: undefined,
        drained: undefined,
        alive: true,
        log: undefined,
      };
      const upgraded = server.upgrade(c.req.raw, { data });
      if (!upgraded) throw new Problem("bad_request", "The WebSocket handshake is not valid.");
      // The connection is no longer HTTP's: what is returned here goes nowhere.
      return new Response(null);
    },
  );
}
