import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "./router.ts";

/**
 * Sets the Content-Length of an answer to HEAD, which is that of the answer to GET (RFC 9110 §8.6). Hono removes the body before
 * Bun can measure it, and Bun would send 0. The export has another body for HEAD: chunks, as for GET, have no length.
 */
export const headLength: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next();
  if (c.req.raw.method !== "HEAD") return;
  const { body, headers, status } = c.res;
  const isSized = headers.has("Content-Length") || headers.has("Transfer-Encoding");
  if (isSized || !body || status === 304) return;
  const { byteLength } = await new Response(body).arrayBuffer();
  c.res = new Response(null, c.res);
  c.res.headers.set("Content-Length", String(byteLength));
};
