import type { Context } from "hono";

/** Most characters of a client's own request id. */
export const requestIdMax = 128;

const kept = new RegExp(`^[\\w\\-.:/=+@]{1,${requestIdMax}}$`);

/** The forms of access tokens and refresh tokens, which must not get into the log. */
const token = /^(ey[\w-]+\.[\w-]+\.[\w-]+|[\da-f-]{36}\.[\w-]{43})$/i;

/**
 * The id of a request whose X-Request-Id Hono's middleware does not accept: the client's own if it has only letters,
 * digits and `-_.:/=+@`, as the trace ids of proxies and clouds do, and is no token, otherwise a new one.
 */
export function keptRequestId(c: Context): string {
  const own = c.req.header("x-request-id") ?? "";
  return kept.test(own) && !token.test(own) ? own : crypto.randomUUID();
}
