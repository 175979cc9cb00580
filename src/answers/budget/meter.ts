// What one answer has used: as the model counts, or as is estimated while it does not say.
import type { Usage } from "../../wire/messages.ts";
import { estimateTokens } from "../prompt/prompt.ts";

export const nothingUsed: Usage = {
  prompt_tokens: 0,
  answer_tokens: 0,
  thoughts_tokens: 0,
  cached_tokens: 0,
  total_tokens: 0,
};

export type Meter = ReturnType<typeof createMeter>;

/** @param before what servers that died had used for the same answer */
export function createMeter(before: Usage = nothingUsed) {
  let promptTokens = 0;
  let ratio = 1;
  let written = "";
  let counted: Usage | undefined;

  function estimated(): Usage {
    const answerTokens = estimateTokens(written, ratio);
    return {
      ...nothingUsed,
      prompt_tokens: promptTokens,
      answer_tokens: answerTokens,
      total_tokens: promptTokens + answerTokens,
    };
  }

  return {
    /** The model is asked. @param tokenRatio corrects estimates of its words */
    ask(estimatedPromptTokens: number, tokenRatio: number) {
      promptTokens = estimatedPromptTokens;
      ratio = tokenRatio;
    },
    /** It did not begin. */
    refuse() {
      promptTokens = 0;
    },
    write(text: string) {
      written += text;
    },
    count(usage: Usage) {
      counted = usage;
    },
    get estimatedPromptTokens() {
      return promptTokens;
    },
    /** The model's own count for this server's part. */
    get counted() {
      return counted;
    },
    /** What this server's part has used. */
    own: () => counted ?? estimated(),
    /** All that is charged. */
    charged: () => sumOf(before, counted ?? estimated()),
    /** What may be told as the model's count: undefined if a part of it is not. */
    told: () => (counted ? sumOf(before, counted) : undefined),
  };
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
