import type { Usage } from "../../wire/messages.ts";
import { estimateTokens } from "../text/token-estimates.ts";

export const noUsage: Usage = {
  prompt_tokens: 0,
  answer_tokens: 0,
  thoughts_tokens: 0,
  cached_tokens: 0,
  total_tokens: 0,
};

/** Counts the tokens of one answer: as the model counts them, or estimated while the model does not say. */
export class UsageMeter {
  readonly #before: Usage;
  #promptTokens = 0;
  #fileTokens = 0;
  #ratio = 1;
  #written = "";
  #counted: Usage | undefined;

  /** @param before the usage of servers that had begun the same answer and died */
  constructor(before: Usage = noUsage) {
    this.#before = before;
  }

  /**
   * Notes that the model is asked.
   * @param tokenRatio corrects estimates of its text
   * @param fileTokens the part of the estimate that is for files
   */
  begin(estimatedPromptTokens: number, tokenRatio: number, fileTokens = 0): void {
    this.#promptTokens = estimatedPromptTokens;
    this.#fileTokens = fileTokens;
    this.#ratio = tokenRatio;
  }

  /** Notes that the model refused the request, which costs nothing. */
  cancel(): void {
    this.#promptTokens = 0;
  }

  addText(text: string): void {
    this.#written += text;
  }

  /** Takes the model's count, which replaces an earlier one. */
  setCount(usage: Usage): void {
    this.#counted = usage;
  }

  /** The estimate that the model's count corrects; 0 for a prompt with files, whose count says nothing about estimates of text. */
  get estimatedPromptTokens(): number {
    return this.#fileTokens > 0 ? 0 : this.#promptTokens;
  }

  /** The model's own count for the part of this server. */
  get counted(): Usage | undefined {
    return this.#counted;
  }

  /** The usage of this server's part. */
  get own(): Usage {
    return this.#counted ?? this.#estimate();
  }

  /** The usage that is charged, earlier servers included. */
  get charged(): Usage {
    return sumOf(this.#before, this.own);
  }

  /** The usage that is shown as the model's count: undefined if a part of it is estimated. */
  get shown(): Usage | undefined {
    return this.#counted && sumOf(this.#before, this.#counted);
  }

  #estimate(): Usage {
    const answerTokens = estimateTokens(this.#written, this.#ratio);
    return {
      ...noUsage,
      prompt_tokens: this.#promptTokens,
      answer_tokens: answerTokens,
      total_tokens: this.#promptTokens + answerTokens,
    };
  }
}

function sumOf(a: Usage, b: Usage): Usage {
  return {
    prompt_tokens: a.prompt_tokens + b.prompt_tokens,
    answer_tokens: a.answer_tokens + b.answer_tokens,
    thoughts_tokens: a.thoughts_tokens + b.thoughts_tokens,
    cached_tokens: a.cached_tokens + b.cached_tokens,
    total_tokens: a.total_tokens + b.total_tokens,
  };
}
