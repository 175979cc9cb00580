import type { Config } from "../config/config.ts";
import type { ChatSettings } from "../wire/chats.ts";
import type { ModelSettings } from "../model/stream-answer.ts";

/** The model that answers in a chat: its own, unless that is no longer among those which may be chosen. */
export function modelOf({ gemini }: Config, { model }: ChatSettings): string {
  return model !== null && gemini.models.includes(model) ? model : gemini.model;
}

/** A chat's settings as the model takes them. */
export function modelSettings(config: Config, settings: ChatSettings): ModelSettings {
  return {
    model: modelOf(config, settings),
    temperature: settings.temperature,
    thinkingBudget: settings.thinking_budget,
    googleSearch: settings.google_search,
  };
}
