// From a request to a socket. A restart brings thousands of these requests at once, so one that can be granted does not pass
// the middleware of all routes, most of which is about the response that it does not get. Any other goes to the route of the
// HTTP application, which refuses it. All of them wait for their turn first.
import type { Logger } from "pino";
import type { Ctx } from "../context.ts";
import { createClientReader, networkOf, type Client } from "../http/address.ts";
import { hasValidHost, mayConnect } from "../http/middleware.ts";
import { requestIdOf } from "../http/request-id.ts";
import { recordRequest } from "../http/request-log.ts";
import type { RequestServer } from "../http/router.ts";
import { Problem } from "../wire/problems.ts";
import { Arrivals } from "./arrivals.ts";
import type { SocketData } from "./session.ts";

export const socketPath = "/ws";
/** Refused origins that are remembered. Each is logged once. */
const refusedOriginsMax = 100;
const loggedCharactersMax = 255;

/** The values of a request that a socket keeps. */
export interface UpgradeRequest {
  request: Request;
  client: Client;
  requestId: string;
  /** Query parameters. */
  query: { token?: string | undefined; frames?: string | undefined };
}

export class SocketUpgrade {
  readonly #ctx: Ctx;
  readonly #arrivals: Arrivals;
  readonly #refusedOrigins = new Set<string>();

  constructor(ctx: Ctx, arrivals = new Arrivals()) {
    this.#ctx = ctx;
    this.#arrivals = arrivals;
  }

  /**
   * Waits for the turn of a request. Thousands of them may come at once, and all that is done for one before delays everybody's messages.
   * @returns lets the next one in; the refusal while too many wait
   */
  enter(): (() => void) | Promise<() => void> | Problem {
    if (!this.#arrivals.isFull) return this.#arrivals.enter();
    return new Problem("unavailable", "Too many sockets are being opened.", {
      retryAfterSeconds: 2,
    });
  }

  /** The reason why a request cannot become a socket; undefined if it may. */
  refusalOf(request: Request, client: Client): Problem | undefined {
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      return new Problem(
        "bad_request",
        "This is a WebSocket endpoint: connect with a WebSocket client.",
      );
    }
    const { config, lifecycle, log } = this.#ctx;
    if (lifecycle.closing) {
      return new Problem("unavailable", "The server is restarting.", { retryAfterSeconds: 2 });
    }
    const origin = request.headers.get("origin") ?? undefined;
    if (mayConnect(config, origin, client)) return undefined;
    logRefusedOrigin(log, this.#refusedOrigins, origin ?? "", client);
    return new Problem(
      "origin_not_allowed",
      "Pages of this origin may not connect. See CORS_ORIGINS.",
    );
  }

  /**
   * Upgrades a request that has no refusal. A token is checked afterwards, whatever it is: a page can't read the status of a failed
   * handshake.
   * @param letNextIn is called when the socket has signed in, or is gone
   * @returns false for an invalid handshake, for a client that has given up, and when the server shuts down meanwhile
   */
  async upgrade(
    server: RequestServer,
    { request, client, requestId, query }: UpgradeRequest,
    letNextIn: () => void,
  ): Promise<boolean> {
    const { lifecycle, rateLimits, now } = this.#ctx;
    const { address } = client;
    const network = networkOf(address);
    const { refusal } = await rateLimits.take("connects", { network });
    const data: SocketData = {
      address,
      network,
      refusal: refusal?.detail,
      requestId,
      openedAtMs: now().getTime(),
      token: query.token,
      wantsFlat: query.frames === "flat",
      opening: undefined,
      session: undefined,
      inbox: undefined,
      drained: undefined,
      alive: true,
      log: undefined,
      letNextIn,
    };
    return !lifecycle.closing && server.upgrade(request, { data });
  }
}

/** Whether a request may be one that {@link createDirectUpgrade} upgrades. */
export function asksForSocket(request: Request): boolean {
  return request.method === "GET" && request.headers.has("sec-websocket-key");
}

type Answer = (refusal?: Problem) => Response | Promise<Response>;

/** @returns a function that upgrades a request; it returns what `answer` does for one that it cannot upgrade */
export function createDirectUpgrade(ctx: Ctx, sockets: SocketUpgrade) {
  const readClient = createClientReader(ctx.config);

  async function upgrade(
    request: Request,
    server: RequestServer,
    letNextIn: () => void,
    startedAt: number,
  ): Promise<boolean> {
    const query = readQuery(request.url);
    if (query === undefined || !hasValidHost(request)) return false;
    const client = readClient(request, server);
    if (sockets.refusalOf(request, client)) return false;
    const header = (name: string) => request.headers.get(name) ?? undefined;
    const requestId = requestIdOf(header("x-request-id"));
    let isUpgraded = false;
    await ctx.telemetry.tracing.request("GET", header, async () => {
      const values = { request, client, requestId, query };
      isUpgraded = await sockets.upgrade(server, values, letNextIn);
      const outcome = { method: "GET", route: socketPath, status: isUpgraded ? 200 : 400 };
      const ms = performance.now() - startedAt;
      if (isUpgraded) {
        recordRequest(ctx, { ...outcome, path: socketPath, requestId, from: client.address, ms });
      }
      return outcome;
    });
    return isUpgraded;
  }

  return async (
    request: Request,
    server: RequestServer,
    answer: Answer,
  ): Promise<Response | undefined> => {
    const startedAt = performance.now();
    const entered = sockets.enter();
    if (entered instanceof Problem) return answer(entered);
    const letNextIn = entered instanceof Promise ? await entered : entered;
    let isUpgraded = false;
    try {
      isUpgraded = await upgrade(request, server, letNextIn, startedAt);
    } finally {
      if (!isUpgraded) letNextIn();
    }
    return isUpgraded ? undefined : answer();
  };
}

/** @returns undefined for another path than the sockets', and for a parameter that stands there twice */
function readQuery(address: string): UpgradeRequest["query"] | undefined {
  const url = URL.parse(address);
  if (url?.pathname !== socketPath) return undefined;
  const [tokens, frames] = [url.searchParams.getAll("token"), url.searchParams.getAll("frames")];
  if (tokens.length > 1 || frames.length > 1) return undefined;
  return { token: tokens[0], frames: frames[0] };
}

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
