import type { Config } from "../config/config.ts";
import type { StreamAnswer } from "../model/stream-answer.ts";
import { modelOf } from "./model-settings.ts";
import type { PromptRoom } from "./prompt/queries.ts";
import type { AnswerRequest, PreparedAnswer, Responder } from "./responder.ts";

/** Answers `/bot help` without a model. */
export class HelpResponder implements Responder {
  readonly isFree = true;
  readonly isResumed = true;
  readonly #text: string;

  constructor(config: Config, room: PromptRoom) {
    this.#text = helpText(config, room);
  }

  prepare({ keptText }: AnswerRequest): Promise<PreparedAnswer> {
    const streamAnswer = sayAtOnce(this.#text.slice(keptText.length));
    return Promise.resolve({
      model: undefined,
      tokensMin: 0,
      tokensWanted: 0,
      isHistoryFull: false,
      stream: streamAnswer,
    });
  }
}

function sayAtOnce(text: string) {
  return async function* () {
    if (text !== "") yield { text };
    yield { ending: { status: "complete" } };
  } satisfies StreamAnswer;
}

function helpText(config: Config, { settings, is_ai_chat: isAiChat }: PromptRoom): string {
  return [
    isAiChat
      ? "In this chat I answer every message. Everybody here sees the answer as it is written."
      : "Write `/bot` and your question, or mention `@Gemini` in it, and I answer here. Everybody in the room sees it as it is written.",
    "",
    "- I read this room's history, and know who said what. What is said in other rooms I never see.",
    "- I read pictures, PDFs, texts, sound and video that were sent here. A reply with `/bot` asks me about its message.",
    ...(config.gemini.imageModel
      ? [
          "- `/image` and a description makes a picture. So does a reply with `/image` to a picture.",
        ]
      : []),
    "- Anybody here can stop a running answer, or ask again for another one.",
    "- Several questions may run at the same time. Answers go on when the server is restarted.",
    `- I am ${modelOf(config, settings)}${settings.google_search ? ", and may search the web" : ""}.` +
      " The room's owner chooses the model, who I am here, and how freely I write.",
  ].join("\n");
}
