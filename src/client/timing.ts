/** Milliseconds that things may take. */
export interface Timing {
  /** A socket's handshake. Default: 10 s */
  openMs: number;
  /** The reply to a frame. Default: 10 s */
  replyMs: number;
  /** Silence after which the server is asked whether it is there. Default: 25 s */
  pingMs: number;
  /** A pause in which a missing frame may still come before it is asked for. Default: 250 */
  gapMs: number;
  /** Between two looks at whether a room has everything: a lost frame may be followed by none. Default: 60 s */
  resyncMs: number;
  /** A message that isn't acknowledged after this has failed. Default: 10 min */
  giveUpMs: number;
  /** A socket that has lived this long was a good one: pauses begin anew. Default: 10 s */
  stableMs: number;
  /** One HTTP request. Default: 30 s */
  requestMs: number;
}

export const timingDefaults: Timing = {
  openMs: 10_000,
  replyMs: 10_000,
  pingMs: 25_000,
  gapMs: 250,
  resyncMs: 60_000,
  giveUpMs: 600_000,
  stableMs: 10_000,
  requestMs: 30_000,
};
