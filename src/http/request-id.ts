import type { Context } from "hono";

/** Characters of a client's own request id, at most. */
export const requestIdMax = 128;

const kept = new RegExp(`^[\\w\\-.:/=+@]{1,${requestIdMax}}$`);

/**
 * The id of a request whose X-Request-Id Hono's middleware does not take: the client's own where it has only letters,
 * digits and `-_.:/=+@`, as trace ids of proxies and clouds do, else a new one.
 */
export function keptRequestId(c: Context): string {
  const own = c.req.header("x-request-id") ?? "";
  return kept.test(own) ? own : crypto.randomUUID();
}
