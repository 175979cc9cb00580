// What /bot help says. It needs no model, and costs nothing.
import { modelOf } from "./model-settings.ts";
import type { Config } from "../config/config.ts";
import type { PromptRoom } from "./prompt/queries.ts";

export function helpText(config: Config, room: PromptRoom): string {
  const { settings, is_ai_chat: isAiChat } = room;
  return [
    isAiChat
      ? "In this chat I answer every message. Everybody here sees the answer as it is written."
      : "Write `/bot` and your question, and I answer here. Everybody in the room sees it as it is written.",
    "",
    "- I read this room's history, and know who said what. What is said in other rooms I never see.",
    "- Anybody here can stop a running answer, or ask again for another one.",
    "- Several questions may run at the same time. Answers go on when the server is restarted.",
    `- I am ${modelOf(config, settings)}${settings.google_search ? ", and may search the web" : ""}.` +
      " The room's owner chooses the model, who I am here, and how freely I write.",
  ].join("\n");
}
