// Explanations of the close codes for the documents.
import type { CloseReason } from "../close-codes.ts";

/** `when` says why the server closes a socket, and `then` what the client should do. */
export const closeNotes: Record<CloseReason, { when: string; then: string }> = {
  bye: {
    when: "The client closed the socket. Only the code identifies this case.",
    then: "Nothing: the client asked for it.",
  },
  protocol_error: {
    when: "A frame violated RFC 6455: it was not masked, had a reserved bit or opcode, or was a misplaced fragment. Only the code identifies this case.",
    then: "Reconnect with growing pauses, and catch up. Browsers never send such frames: check the client library and the proxies between client and server.",
  },
  not_utf8: {
    when: "A text frame was not valid UTF-8. Only the code identifies this case.",
    then: "Do the same as for `protocol_error`.",
  },
  invalid_token: {
    when: "The token is wrong or belongs to a session that has ended (an empty `?token=` counts as wrong), the ticket was used before, a valid frame other than `auth` came first, or no valid `auth` frame came within 5 s. An invalid frame is answered with an `error` and does not extend the 5 s.",
    then: "Don't reconnect with the same token. Refresh it with `POST /api/auth/refresh` and try once. If the refresh is refused, ask the person to sign in.",
  },
  token_expired: {
    when: "The access token had expired before the socket was opened, it expired later and no `auth` frame renewed it, or a ticket has expired.",
    then: "Refresh the token or get a new ticket, then reconnect at once and catch up.",
  },
  revoked: {
    when: "The session has ended: by signing out, from another session, by a change of the password, or because a refresh token was used again later than 60 s after its exchange. The socket closes at once, or within some seconds if another server ended the session.",
    then: "Don't reconnect. Ask the person to sign in.",
  },
  flood: {
    when: "512 frames, or frames with 2 Mi characters, were waiting. An `error` with the code `flood` and `retry_after` was sent at half of that.",
    then: "Reconnect after some seconds, send more slowly, and catch up.",
  },
  too_large: {
    when: "A frame was larger than 64 KiB. Only the code identifies this case.",
    then: "Don't send that frame again. Content of 16,000 characters fits if the JSON is UTF-8 and not escaped as ASCII. Only content with many control characters, which JSON must escape, takes more.",
  },
  restart: {
    when: "The server is shutting down, usually for a restart. Running answers continue afterwards or end as `interrupted`.",
    then: "Reconnect after a random pause of up to 2 s, and catch up.",
  },
  too_slow: {
    when: "More than 2 MiB were waiting to be read. A client that does not read cannot receive the close frame either, so the connection usually ends with 1006.",
    then: "Reconnect after some seconds, and catch up.",
  },
  too_many_sockets: {
    when: "This person or this address has reached the limit of open sockets. The server sets the limits with `SOCKETS_PER_USER` and `SOCKETS_PER_ADDRESS`, by default 50 and 1,000.",
    then: "Close another socket, or try again later with growing pauses.",
  },
  rate_limited: {
    when: "This person or this address has opened too many sockets within a minute. The limits are 200 and 4,000 by default.",
    then: "Reconnect after a minute, and then with growing pauses.",
  },
  unavailable: {
    when: "The database is unavailable, signing in or a frame took longer than 30 seconds, or this socket may have missed frames.",
    then: "Reconnect after some seconds with growing pauses, and catch up.",
  },
};
