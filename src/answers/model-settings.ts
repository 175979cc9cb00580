import type { Config } from "../config/config.ts";
import type { ChatSettings } from "../wire/chats.ts";
import type { ModelSettings } from "../model/stream-answer.ts";

/** Returns the model of a chat, or the server's where the chat has chosen none, or one that may no longer be chosen. */
export function modelOf({ gemini }: Config, { model }: ChatSettings): string {
  return model !== null && gemini.models.includes(model) ? model : gemini.model;
}

/** Translates a chat's settings into those of the model. */
export function modelSettings(config: Config, settings: ChatSettings): ModelSettings {
  return {
    model: modelOf(config, settings),
    temperature: settings.temperature,
    thinkingBudget: settings.thinking_budget,
    googleSearch: settings.google_search,
  };
}

/** The pages that Google Search finds count as a part of the prompt. This is more than was seen of them. */
const searchTokensMax = 16_384;

/**
 * Returns the tokens that a call may cost beside its prompt and the output that `maxOutputTokens` limits. Gemini's models
 * count thoughts within that limit (github.com/googleapis/python-genai/issues/2062), its documentation beside it; where
 * a chat sets a thinking budget, both are covered.
 */
export function tokensBeside({ thinkingBudget, googleSearch }: ModelSettings): number {
  return Math.max(0, thinkingBudget ?? 0) + (googleSearch ? searchTokensMax : 0);
}
