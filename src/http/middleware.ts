// Middleware before all routes, and the answers to errors.
import { isUtf8 } from "node:buffer";
import type { Context, ErrorHandler, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { cors } from "hono/cors";
import { HTTPException } from "hono/http-exception";
import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import { asProblem } from "./problems.ts";
import { Problem } from "../wire/problems.ts";
import type { Client } from "./address.ts";
import { withoutTokens } from "./request-log.ts";
import type { AppEnv } from "./router.ts";

/** 16,000 characters of content take at most 12 bytes each in JSON. */
const bodyBytesMax = 256 * 1024;

export function crossOrigin(config: Config): MiddlewareHandler<AppEnv> {
  const any = config.corsOrigins.includes("*");
  return cors({
    origin: any ? "*" : [...config.corsOrigins],
    credentials: !any,
    allowMethods: ["GET", "POST", "PUT", "PATCH", "DELETE"],
    allowHeaders: ["Authorization", "Content-Type", "X-Request-Id"],
    exposeHeaders: [
      ...["Link", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id"],
      ...["Accept-Ranges", "Content-Disposition", "Content-Range", "ETag", "Upload-Offset"],
    ],
    maxAge: 600,
  });
}

/**
 * Whether a page of this origin may open a socket: an origin of CORS_ORIGINS, or the server's own. The server knows its
 * own origin from the Host header and from what trusted proxies forward. The default port of the origin's scheme may be
 * written out in any of them; a scheme is compared only where a trusted proxy names it.
 */
export function mayConnect(config: Config, origin: string | undefined, client: Client): boolean {
  if (origin === undefined || config.corsOrigins.includes("*")) return true;
  if (config.corsOrigins.includes(origin)) return true;
  const page = URL.parse(origin);
  if (!page || !/^https?:$/.test(page.protocol)) return false;
  const { hosts, forwardedScheme } = client;
  if (forwardedScheme !== undefined && page.protocol !== `${forwardedScheme}:`) return false;
  return hosts.some((host) => isHostOf(page, host, forwardedScheme !== undefined));
}

/** @param isForwarded whether a proxy ended TLS in front, so that its own port may be the default one of plain HTTP */
function isHostOf(page: URL, host: string, isForwarded: boolean): boolean {
  // A host that is none, such as one with a path, would be read as something else.
  if (/[^\w.:[\]-]/.test(host)) return false;
  const own = URL.parse(`${page.protocol}//${host}`);
  if (!own) return false;
  return own.host === page.host || (isForwarded && own.host === `${page.host}:80`);
}

export const limitBody: MiddlewareHandler = bodyLimit({
  maxSize: bodyBytesMax,
  onError: () => {
    throw new Problem("too_large", `A request's body may have at most ${bodyBytesMax / 1024} KiB.`);
  },
});

/**
 * RFC 9112 §3.2: an invalid or second Host header is refused with 400. Bun accepts both. Where it can't make an address
 * with the header, `url` is the target of the request line, which Hono would route by another path.
 */
export function hasValidHost(request: Request): boolean {
  const isAddress = /^https?:/.test(URL.parse(request.url)?.protocol ?? "");
  return isAddress && !request.headers.get("host")?.includes(",");
}

export const requireHost: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (!hasValidHost(c.req.raw)) {
    throw new Problem("bad_request", "The Host header is not valid.");
  }
  await next();
};

/**
 * A body must be declared as JSON, since a route would ignore it otherwise, and be UTF-8 (RFC 8259 §8.1), since Hono
 * would replace invalid bytes by U+FFFD. The Content-Type of a missing body is removed: an optional body is then absent.
 */
export const requireJson: MiddlewareHandler<AppEnv> = async (c, next) => {
  const { raw } = c.req;
  const bytes = raw.body ? await c.req.arrayBuffer() : new ArrayBuffer();
  if (bytes.byteLength === 0) raw.headers.delete("content-type");
  else if (!isJson(c.req.header("content-type"))) throw wrongMediaType();
  else if (!isUtf8(bytes)) throw new Problem("not_json", "The body is not valid UTF-8.");
  await next();
};

function isJson(contentType: string | undefined): boolean {
  return /^application\/([\w.+-]+\+)?json *(;|$)/i.test(contentType ?? "");
}

function wrongMediaType(): Problem {
  return new Problem(
    "unsupported_media_type",
    "Send the body as JSON, with the header Content-Type: application/json.",
  );
}

export function handleError(log: Logger): ErrorHandler<AppEnv> {
  return (error, c) => {
    if (error instanceof HTTPException) return problemResponse(c, problemOfHono(error));
    if (isAborted(error, c)) {
      return problemResponse(c, new Problem("bad_request", "The body did not arrive whole."));
    }
    return problemResponse(c, asProblem(log.child({ requestId: c.get("requestId") }), error));
  };
}

/** Whether the client disconnected while its body was read. The answer reaches nobody and is for the log. */
function isAborted(error: Error, c: Context): boolean {
  return error instanceof DOMException && error.name === "AbortError" && c.req.raw.signal.aborted;
}

/** Hono refuses by itself a media type that it reads more strictly, and a body that is no JSON. */
function problemOfHono(error: HTTPException): Problem {
  if (error.status === 415) return wrongMediaType();
  return new Problem("not_json", "The body is not valid JSON.", { cause: error });
}

export function problemResponse(c: Context, problem: Problem): Response {
  if (problem.status === 401) c.header("WWW-Authenticate", "Bearer");
  if (problem.retryAfterSeconds !== undefined) {
    c.header("Retry-After", String(problem.retryAfterSeconds));
  }
  // A URI reference: `c.req.path` is decoded.
  const instance = withoutTokens(URL.parse(c.req.url)?.pathname ?? "/");
  return c.body(JSON.stringify(problem.toBody(instance)), problem.status, {
    "Content-Type": "application/problem+json",
  });
}
