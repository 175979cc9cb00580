/** Durations in milliseconds. */
export interface Timing {
  /** The pause before the first retry; it doubles with each further one. Default: 500 */
  retryMs: number;
  /** The longest pause between retries. Default: 30 s */
  retryMsMax: number;
  /** The longest pause after a restart of the server. Default: 2 s */
  soonMs: number;
  /** The pause before the first retry after the server reported an overload. Default: 5 s */
  laterMs: number;
  /** A socket that was open this long counts as stable: the pauses start from `retryMs` again. Default: 10 s */
  stableMs: number;
  /** The time limit of a reply to a frame, and of a socket's handshake. Default: 10 s */
  replyMs: number;
  /** The client sends a ping after this long without a frame from the server. Default: 25 s */
  pingMs: number;
  /** The client waits this long for a frame that is missing between others before it requests a replay. Default: 250 */
  gapMs: number;
  /** The interval of checks that a room is complete: no later frame may reveal that one was lost. Default: 60 s */
  resyncMs: number;
  /** A message that is not acknowledged within this time has failed. Default: 10 min */
  giveUpMs: number;
  /** The time limit of an HTTP request. Default: 30 s */
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
