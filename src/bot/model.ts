// What the rest of the program knows of a language model. bot/gemini.ts is the one that speaks to Gemini.

/** One turn of a conversation as a model sees it. */
export interface Turn {
  role: "user" | "model";
  text: string;
}

export interface Prompt {
  /** Rules and persona. Goes to the model apart from the conversation. */
  system: string;
  /** Oldest first; the question is the last. Never two of one role in a row, and the first is a user's. */
  turns: Turn[];
}

/** Tokens that the model counted. `total` = prompt + answer + thoughts + tool use. */
export interface Usage {
  prompt_tokens: number;
  answer_tokens: number;
  thoughts_tokens: number;
  cached_tokens: number;
  total_tokens: number;
}

/** How an answer that the model itself ended has ended, and what it cost if the model said. */
export interface Ending {
  status: "complete" | "truncated" | "blocked";
  /** Why it was blocked or cut short, as a sentence for a person; absent when complete. */
  detail?: string;
  usage?: Usage;
}

export type Delta = { text: string } | { ending: Ending };

/**
 * Asks a model and yields its answer: any number of non-empty `text` pieces, then exactly one `ending`.
 * @throws ModelError when no proper end was reached; what was yielded before stays valid.
 * @throws the signal's reason when aborted.
 */
export type StreamAnswer = (prompt: Prompt, signal: AbortSignal) => AsyncIterable<Delta>;

/** The model failed. `detail` is a sentence for a person and holds no key, address or internal text. */
export class ModelError extends Error {
  readonly detail: string;
  constructor(detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.name = "ModelError";
    this.detail = detail;
  }
}
