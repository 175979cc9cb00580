// A responder answers a question: the model (Gemini or the demonstration), or the server itself. It is chosen once, before
// anything is stored; from then on both are one thing that streams an answer.
import type { Delta } from "../model/stream-answer.ts";
import type { Message } from "../wire/messages.ts";
import type { Question } from "./prompt/prompt.ts";
import type { PastMessage } from "./prompt/queries.ts";
import type { Lease } from "./budget/queries.ts";
import type { UsageMeter } from "./budget/usage-meter.ts";

export interface Responder {
  /** A free answer is charged to nobody, and no limit refuses it. */
  readonly isFree: boolean;
  /** Whether an answer whose server is gone goes on elsewhere; otherwise it ends, because asking again would cost it twice. */
  readonly isResumed: boolean;
  /** Reads the room's history and estimates the cost of an answer. */
  prepare(request: AnswerRequest): Promise<PreparedAnswer>;
}

export interface AnswerRequest {
  question: Question;
  /** History beyond this number is not for the model. */
  upToSeq: number;
  /** The history, if it was read already. */
  past?: PastMessage[];
  /** The text of an answer that broke off; "" for a new one. */
  keptText: string;
  /** Tokens that the call may cost, for which history is left out if need be; undefined for the usual cost. */
  tokensLeft?: number;
}

/** One call that is ready to be made. It never costs more tokens than were reserved for it. */
export interface PreparedAnswer {
  /** The name of the model that will be asked; undefined where the server answers by itself. */
  readonly model: string | undefined;
  /** With fewer tokens there is no point in the call, or it may cost more. */
  readonly tokensMin: number;
  /** The most that it can use. */
  readonly tokensWanted: number;
  /** The history nearly fills the prompt, so that it should be summarised. */
  readonly isHistoryFull: boolean;
  /**
   * Streams the text that follows the kept text.
   * @throws ModelError, or the signal's reason when it is aborted
   */
  stream(run: AnswerRun): AsyncIterable<Delta>;
}

/** A question and its answer that were stored. */
export interface StoredAnswer {
  readonly question: Message;
  readonly messageId: number;
}

/** The part of a call that a responder uses. */
export interface AnswerRun {
  /** Settles when the question and its answer are stored; with undefined if they could not be. */
  readonly stored: Promise<StoredAnswer | undefined>;
  readonly lease: Lease;
  readonly reservedTokens: number;
  /** The text of an answer that broke off; "" for a new one. */
  readonly keptText: string;
  readonly meter: UsageMeter;
  readonly signal: AbortSignal;
}
