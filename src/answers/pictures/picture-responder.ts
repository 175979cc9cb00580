import type { Ctx } from "../../context.ts";
import {
  ModelError,
  type Delta,
  type ModelSettings,
  type StreamAnswer,
  type Turn,
} from "../../model/stream-answer.ts";
import { filesAskedAbout, tokensOfFiles } from "../prompt/choose-files.ts";
import { findFilesOfQuestion } from "../prompt/prompt-file.ts";
import { metered } from "../budget/metered.ts";
import { receiptFiles } from "../files/ask-with-files.ts";
import { resolveFiles, type Outcomes } from "../files/resolve.ts";
import { estimateTokens, tokensAtMost } from "../text/token-estimates.ts";
import { findRepliedTo, type PromptRoom } from "../prompt/queries.ts";
import { insertReceipt } from "../prompt/receipt-queries.ts";
import { placed, type PlacedFile } from "../prompt/turns.ts";
import { questionOf } from "../question.ts";
import type {
  AnswerRequest,
  AnswerRun,
  PreparedAnswer,
  Responder,
  StoredAnswer,
} from "../responder.ts";
import { countPicture, uncountPicture } from "./queries.ts";

/** A picture has between 1,120 and 2,520 tokens, and an answer may have several, with text. */
const outputTokensWanted = 16_384;
/** With fewer tokens left there is no picture. */
const outputTokensMin = 4_096;
const repliedCharactersMax = 4_000;

interface PicturePrompt {
  text: string;
  files: PlacedFile[];
  messages: { id: number; updated_seq: number }[];
  estimatedTokens: number;
  tokensAtMost: number;
}

/**
 * Answers `/image` with a picture. The model is given the request, the message that it replies to, and the files of both, and nothing
 * else of the room. Its answer is made once: when its server is killed, it ends.
 */
export class PictureResponder implements Responder {
  readonly isFree = false;
  readonly isResumed = false;
  readonly #ctx: Ctx;
  readonly #streamAnswer: StreamAnswer;
  readonly #room: PromptRoom;
  readonly #settings: ModelSettings;

  constructor(ctx: Ctx, streamAnswer: StreamAnswer, room: PromptRoom) {
    this.#ctx = ctx;
    this.#streamAnswer = streamAnswer;
    this.#room = room;
    this.#settings = {
      model: ctx.config.gemini.imageModel ?? ctx.config.gemini.model,
      temperature: null,
      thinkingBudget: null,
      googleSearch: false,
    };
  }

  async prepare({ question }: AnswerRequest): Promise<PreparedAnswer> {
    const prompt = await this.#promptOf(question);
    return {
      model: this.#settings.model,
      tokensMin: prompt.tokensAtMost + outputTokensMin,
      tokensWanted: prompt.tokensAtMost + outputTokensWanted,
      isHistoryFull: false,
      stream: (run) => this.#stream(run, prompt),
    };
  }

  async #promptOf(question: AnswerRequest["question"]): Promise<PicturePrompt> {
    const { sql } = this.#ctx;
    const ids = question.attachments.map(({ id }) => id);
    const chatId = this.#room.id;
    const [ownFiles, repliedTo] = await Promise.all([
      findFilesOfQuestion(sql, { chatId, userId: question.user_id, ids }),
      question.reply_to === null ? undefined : findRepliedTo(sql, chatId, question.reply_to),
    ]);
    const repliedFiles = repliedTo?.files ?? [];
    const readable = filesAskedAbout([...ownFiles, ...repliedFiles]);
    const files = [
      ...(repliedTo ? placed(repliedFiles, repliedTo.id, readable) : []),
      ...placed(ownFiles, null, readable),
    ];
    const replied = repliedTo ? questionOf(repliedTo.content).slice(0, repliedCharactersMax) : "";
    const text = [replied.toWellFormed(), questionOf(question.content)]
      .filter((part) => part !== "")
      .join("\n\n");
    const tokens = tokensOfFiles(files.map((file) => file.readable));
    return {
      text,
      files,
      messages: repliedTo ? [{ id: repliedTo.id, updated_seq: repliedTo.updated_seq }] : [],
      estimatedTokens: estimateTokens(text) + tokens.estimated,
      tokensAtMost: tokensAtMost(text) + tokens.most,
    };
  }

  async *#stream(run: AnswerRun, prompt: PicturePrompt): AsyncGenerator<Delta> {
    // A picture is asked for once, and so only when its question is stored.
    const stored = await run.stored;
    run.signal.throwIfAborted();
    if (!stored) return;
    const { sql } = this.#ctx;
    // A stop while files are sent costs no picture of the day.
    const outcomes = await resolveFiles(this.#ctx, this.#room.id, prompt.files, run.signal);
    const { userDayPictures: user, chatDayPictures: chat } = this.#ctx.config.budgets;
    const refused = await countPicture(sql, run.lease, { user, chat });
    if (refused) throw usedUp(refused);
    // A prompt of an image model corrects no estimates of text.
    run.meter.begin(prompt.estimatedTokens, 1, prompt.estimatedTokens);
    await this.#keepReceipt(run, stored, prompt, outcomes);
    const left = run.reservedTokens - prompt.tokensAtMost;
    const outputTokensMax = Math.max(outputTokensMin, Math.min(outputTokensWanted, left));
    const deltas = this.#streamAnswer(
      {
        // Image models take no instructions apart.
        system: "",
        turns: [turnOf(prompt, outcomes)],
        settings: this.#settings,
        outputTokensMax,
        makesPictures: true,
      },
      run.signal,
    );
    yield* metered(deltas, run.meter, () => uncountPicture(sql, run.lease));
  }

  async #keepReceipt(
    { lease, meter }: AnswerRun,
    { question, messageId }: StoredAnswer,
    prompt: PicturePrompt,
    outcomes: Outcomes,
  ): Promise<void> {
    const files = receiptFiles(prompt.files, outcomes, question.id);
    try {
      await insertReceipt(this.#ctx.sql, messageId, lease, {
        receipt: {
          model: this.#settings.model,
          settings: this.#room.settings,
          messages: [...prompt.messages, { id: question.id, updated_seq: question.updated_seq }],
          summary: undefined,
          estimatedTokens: prompt.estimatedTokens,
          files,
        },
        usage: meter.charged,
      });
    } catch (error) {
      this.#ctx.log.warn({ err: error, messageId }, "an answer has no receipt");
    }
  }
}

/** Speaker labels are left out: a model might draw them. */
function turnOf({ text, files }: PicturePrompt, outcomes: Outcomes): Turn {
  const shown = files.flatMap(({ file }) => {
    const outcome = outcomes.get(file.id);
    return outcome && "source" in outcome ? [{ at: 0, ...outcome }] : [];
  });
  return { role: "user", text, files: shown };
}

function usedUp(whose: "user" | "chat"): ModelError {
  const subject = whose === "user" ? "Your pictures" : "This chat's pictures";
  return new ModelError(`${subject} for today are used up. There are new ones at midnight UTC.`);
}
