/** How busy people are. Pauses are the longest, in milliseconds. */
export interface Mix {
  sendPauseMs: number;
  movePauseMs: number;
  /** The pause before a person edits or deletes a message. */
  revisePauseMs: number;
  /** The pause before a person reacts to a message. */
  reactPauseMs: number;
  /** The pause between two messages by the webhook of a chat. */
  hookPauseMs: number;
  /** Share of messages that are questions to the model. */
  questions: number;
  /** Share of messages that have a file. */
  files: number;
  /** Pause between two requests to stop an answer. */
  stopPauseMs: number;
  /** The pause between two exports of one person. */
  exportPauseMs: number;
  /** The pause before an account is deleted. */
  departPauseMs: number;
  /** Accounts of a block that are deleted at most. */
  departures: number;
  /** The longest pause before the first repetition of a try that was lost; it doubles with each further one. */
  retryMsMax: number;
}

export const usualMix: Mix = {
  sendPauseMs: 60,
  movePauseMs: 400,
  revisePauseMs: 300,
  reactPauseMs: 120,
  hookPauseMs: 250,
  questions: 0.04,
  files: 0.06,
  stopPauseMs: 2_000,
  exportPauseMs: 400,
  departPauseMs: 1_500,
  departures: 4,
  retryMsMax: 80,
};

/** The same with longer pauses, but for those after a failure. */
export function paced(mix: Mix, factor: number): Mix {
  return {
    ...mix,
    sendPauseMs: mix.sendPauseMs * factor,
    movePauseMs: mix.movePauseMs * factor,
    revisePauseMs: mix.revisePauseMs * factor,
    reactPauseMs: mix.reactPauseMs * factor,
    hookPauseMs: mix.hookPauseMs * factor,
    stopPauseMs: mix.stopPauseMs * factor,
    exportPauseMs: mix.exportPauseMs * factor,
    // A short run deletes fewer, and no later.
    departures: Math.max(1, Math.floor(mix.departures / factor)),
  };
}
