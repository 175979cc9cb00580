/** Milliseconds that things may take. */
export interface Timing {
  /** The first pause before another try; each next one is twice as long. Default: 500 */
  retryMs: number;
  /** The longest pause. Default: 30 s */
  retryMsMax: number;
  /** The longest pause after a restart of the server. Default: 2 s */
  soonMs: number;
  /** The first pause when the server wants to be left alone. Default: 5 s */
  laterMs: number;
  /** A socket that has lived this long was a good one: pauses begin anew. Default: 10 s */
  stableMs: number;
  /** The reply to a frame, and a socket's handshake. Default: 10 s */
  replyMs: number;
  /** Silence after which the server is asked whether it is there. Default: 25 s */
  pingMs: number;
  /** A pause in which a missing frame may still come before it is asked for. Default: 250 */
  gapMs: number;
  /** Between two looks at whether a room has everything: a lost frame may be followed by none. Default: 60 s */
  resyncMs: number;
  /** A message that isn't acknowledged after this has failed. Default: 10 min */
  giveUpMs: number;
  /** One HTTP request. Default: 30 s */
  requestMs: number;
}

export const timingDefaults: Timing = {
  retryMs: 500,
  retryMsMax: 30_000,
  soonMs: 2_000,
  laterMs: 5_000,
  stableMs: 10_000,
  replyMs: 10_000,
  pingMs: 25_000,
  gapMs: 250,
  resyncMs: 60_000,
  giveUpMs: 600_000,
  requestMs: 30_000,
};
