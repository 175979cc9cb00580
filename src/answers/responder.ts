// Who answers a question is decided once, before anything is stored: the model (Gemini or the demonstration) or the
// server itself. From then on both are one thing that streams an answer.
import type { Delta } from "../model/stream-answer.ts";
import type { Message } from "../wire/messages.ts";
import type { Lease } from "./budget/queries.ts";
import type { UsageMeter } from "./budget/usage-meter.ts";

export interface Responder {
  /** A free answer is charged to nobody, and no limit refuses it. */
  readonly isFree: boolean;
  /** Reads the room's history and estimates the cost of an answer. */
  prepare(request: AnswerRequest): Promise<PreparedAnswer>;
}

export interface AnswerRequest {
  question: Pick<Message, "username" | "content">;
  /** History beyond this number is not for the model. */
  upToSeq: number;
  /** Set where another server had begun the answer. */
  resumed?: {
    text: string;
    /** Tokens that its reservation still has. */
    tokensLeft: number;
  };
}

/** One call that is ready to be made. Its costs are tokens. */
export interface PreparedAnswer {
  /** The name of the model that will be asked; undefined where the server answers by itself. */
  readonly model: string | undefined;
  readonly tokensMin: number;
  readonly tokensWanted: number;
  /** The history nearly fills the prompt, so that it should be summarised. */
  readonly isHistoryFull: boolean;
  /**
   * Streams the text that follows the kept text.
   * @throws ModelError, or the signal's reason when it is aborted
   */
  stream(run: AnswerRun): AsyncIterable<Delta>;
}

/** The part of a running answer that a responder uses. */
export interface AnswerRun {
  readonly question: Message;
  readonly messageId: number;
  readonly lease: Lease;
  readonly reservedTokens: number;
  /** The text of an answer that broke off; "" for a new one. */
  readonly keptText: string;
  readonly meter: UsageMeter;
  readonly signal: AbortSignal;
}
