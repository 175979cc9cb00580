// What a closed socket means to a client. The codes themselves stand in frames.ts.
import type { CloseReason } from "../close-codes.ts";

/** When a socket is closed, and what to do then. */
export const closeNotes: Record<CloseReason, { when: string; then: string }> = {
  bye: {
    when: "The client closed the socket. Known by its code alone.",
    then: "Nothing: it was your own wish.",
  },
  protocol_error: {
    when: "A frame was none of RFC 6455: not masked, a reserved bit or opcode, a fragment out of place. Known by its code alone.",
    then: "Reconnect with growing pauses, and catch up. No browser sends that: look at the client, or at what stands in between.",
  },
  not_utf8: {
    when: "A text frame was not UTF-8. Known by its code alone.",
    then: "As for `protocol_error`.",
  },
  invalid_token: {
    when: "The token is wrong, expired or ended (an empty `?token=` too), the ticket was used, a valid frame other than `auth` came before it, or no valid `auth` frame within 5 s. What is no valid frame gets an `error`, and the 5 s go on.",
    then: "Don't come back with the same token. Refresh it (`POST /api/auth/refresh`) and try once; if that is refused, sign in.",
  },
  token_expired: {
    when: "The access token's time is over and no `auth` frame has renewed it.",
    then: "Refresh the token, then reconnect at once and catch up.",
  },
  revoked: {
    when: "The session has ended: signed out, ended from another one, by a change of the password, or because a refresh token was used twice. At once, or within some seconds where another server was told.",
    then: "Don't reconnect. Ask the person to sign in.",
  },
  flood: {
    when: "512 frames were waiting, or 2 Mi characters. An `error` with the code `flood` and `retry_after` came at half of that.",
    then: "Reconnect after some seconds, send slower, and catch up.",
  },
  too_large: {
    when: "A frame was larger than 64 KiB. Known by its code alone.",
    then: "Don't send that frame again. Content of 16,000 characters fits if its JSON is UTF-8, not escaped as ASCII; only control characters, which JSON must escape, take more.",
  },
  restart: {
    when: "The server goes down, most often to come back at once. Running answers go on or end as `interrupted`.",
    then: "Reconnect within some 2 s, at a time left to chance, and catch up.",
  },
  too_slow: {
    when: "More than 2 MiB were waiting to be read. Who doesn't read can't read why: most often the connection just ends, with 1006.",
    then: "Reconnect after some seconds, and catch up.",
  },
  too_many_sockets: {
    when: "This person or this address has as many sockets open as it may: the server's `SOCKETS_PER_USER` and `SOCKETS_PER_ADDRESS`, 50 and 1,000 by default.",
    then: "Close another one, or try again later with growing pauses.",
  },
  rate_limited: {
    when: "This person or this address has opened too many sockets within a minute: above 200 and 4,000 by default.",
    then: "Reconnect after a minute, and then with growing pauses.",
  },
  unavailable: {
    when: "The database is away, or this socket may have missed something.",
    then: "Reconnect after some seconds with growing pauses, and catch up.",
  },
};
