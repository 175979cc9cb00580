/** Most characters of a client's own request id. */
export const requestIdMax = 128;

const kept = new RegExp(`^[\\w\\-.:/=+@]{1,${requestIdMax}}$`);

/** The forms of access tokens and refresh tokens, which must not get into the log. */
const token = /^(ey[\w-]+\.[\w-]+\.[\w-]+|[\da-f-]{36}\.[\w-]{43})$/i;

/**
 * The id of a request: the client's own X-Request-Id if it has only letters, digits and `-_.:/=+@`, as the trace ids of
 * proxies and clouds do, and is no token, otherwise a new one.
 */
export function requestIdOf(own = ""): string {
  return kept.test(own) && !token.test(own) ? own : crypto.randomUUID();
}
