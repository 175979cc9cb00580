import type { StopReason } from "../context.ts";
import { isDatabaseAway } from "../database/connect.ts";
import { ModelError } from "../model/stream-answer.ts";
import type { MessageStatus, Source } from "../wire/messages.ts";

/** The status of an answer that has ended, as it is stored. */
export type EndedStatus = Exclude<MessageStatus, "streaming">;

/**
 * The end of a run. After `handed_over` and `abandoned` the answer itself goes on elsewhere, or is gone. The model's own
 * endings (see Ending in model/stream-answer.ts) are a part of these.
 */
export interface AnswerEnd<Status = EndedStatus | StopReason> {
  status: Status;
  /** A sentence for a person that says why the answer isn't complete. */
  error?: string | undefined;
  sources?: Source[] | undefined;
}

/** The end of an answer that another server had begun, and that did not go on in time. */
export const brokenOff: AnswerEnd = {
  status: "interrupted",
  error: "The server was restarted, and the answer broke off.",
};

/** Returns the end of an answer that failed, with a sentence for people that holds nothing internal. */
export function endOfError(error: unknown): AnswerEnd<"failed"> {
  if (error instanceof ModelError) return { status: "failed", error: error.detail };
  return {
    status: "failed",
    error: isDatabaseAway(error)
      ? "The room's history could not be read. Ask again in a moment."
      : "Something went wrong while the answer was made.",
  };
}
