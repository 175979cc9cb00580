// The reasons for which the server closes a socket, and the close codes of RFC 6455 §7.4 that they go with.

/** The reason of a close frame begins with one of these words. */
export const closeCodes = {
  bye: { code: 1000, reconnect: false },
  protocol_error: { code: 1002, reconnect: true },
  not_utf8: { code: 1007, reconnect: true },
  invalid_token: { code: 1008, reconnect: false },
  token_expired: { code: 1008, reconnect: true },
  revoked: { code: 1008, reconnect: false },
  flood: { code: 1008, reconnect: true },
  too_large: { code: 1009, reconnect: false },
  restart: { code: 1012, reconnect: true },
  too_slow: { code: 1013, reconnect: true },
  too_many_sockets: { code: 1013, reconnect: true },
  rate_limited: { code: 1013, reconnect: true },
  unavailable: { code: 1013, reconnect: true },
} as const;
export type CloseReason = keyof typeof closeCodes;
