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
