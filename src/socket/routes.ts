import { zValidator } from "@hono/zod-validator";
import type { Logger } from "pino";
import { z } from "zod";
import type { Ctx } from "../context.ts";
import { clientAddress, networkOf, type Client } from "../http/address.ts";
import { mayConnect } from "../http/middleware.ts";
import { createRouter } from "../http/router.ts";
import type { SocketData } from "./session.ts";
import { invalidInput, Problem } from "../wire/problems.ts";

// A token is checked after the upgrade, whatever it is: a page can't read the status of a failed handshake.
const SocketQuery = z.object({ token: z.string().optional(), frames: z.string().optional() });

/** Refused origins that are remembered. Each is logged once. */
const refusedOriginsMax = 100;
const loggedCharactersMax = 255;

/** Logs a refused origin for the operator, who otherwise sees only that the socket of a page does not open. */
function logRefusedOrigin(log: Logger, logged: Set<string>, origin: string, client: Client) {
  if (logged.has(origin) || logged.size >= refusedOriginsMax) return;
  logged.add(origin);
  const shown = (text: string) => text.slice(0, loggedCharactersMax).toWellFormed();
  log.warn(
    {
      origin: shown(origin),
      hosts: client.hosts.slice(0, 3).map(shown),
      scheme: client.forwardedScheme,
      setting: "CORS_ORIGINS",
    },
    "pages of this origin may not open sockets: add the origin to CORS_ORIGINS, or let the proxy " +
      "forward the Host header (or X-Forwarded-Host, with the proxy's address in TRUSTED_PROXIES)",
  );
}

/** The WebSocket upgrade. It is no operation of the OpenAPI document, since OpenAPI can't describe sockets. */
export function socketRoutes(ctx: Ctx) {
  const refusedOrigins = new Set<string>();
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
      const origin = c.req.header("origin");
      if (!mayConnect(ctx.config, origin, c.get("client"))) {
        logRefusedOrigin(ctx.log, refusedOrigins, origin ?? "", c.get("client"));
        throw new Problem(
          "origin_not_allowed",
          "Pages of this origin may not connect. See CORS_ORIGINS.",
        );
      }
      const { server } = c.env;
      const address = clientAddress(c);
      const network = networkOf(address);
      const { refusal } = await ctx.rateLimits.take("connects", { network });
      const query = c.req.valid("query");
      const data: SocketData = {
        address,
        network,
        refusal: refusal?.detail,
        requestId: c.get("requestId"),
        openedAtMs: ctx.now().getTime(),
        token: query.token,
        wantsFlat: query.frames === "flat",
        opening: undefined,
        session: undefined,
        inbox: undefined,
        drained: undefined,
        alive: true,
        log: undefined,
      };
      const upgraded = server.upgrade(c.req.raw, { data });
      if (!upgraded) throw new Problem("bad_request", "The WebSocket handshake is not valid.");
      // After the upgrade the connection is not HTTP any more, and this response is not sent.
      return new Response(null);
    },
  );
}
