import type { Ctx } from "../context.ts";
import type { Delta, ModelSettings, StreamAnswer } from "../model/stream-answer.ts";
import { metered } from "./budget/metered.ts";
import { askWithFiles, noteFiles, receiptFiles } from "./files/ask-with-files.ts";
import { resolveFiles, type Outcomes } from "./files/resolve.ts";
import { modelSettings, tokensBeside } from "./model-settings.ts";
import type { BuiltPrompt } from "./prompt/prompt.ts";
import type { PromptRoom } from "./prompt/queries.ts";
import { insertReceipt } from "./prompt/receipt-queries.ts";
import { readPrompt } from "./prompt/read-prompt.ts";
import type { AnswerRequest, AnswerRun, PreparedAnswer, Responder } from "./responder.ts";

/** Tokens of the answer itself at most, and of thoughts where the chat leaves them to the model. */
const answerTokensMax = 8_192;
const thoughtsTokensDefault = 8_192;
/** With fewer tokens left for the answer there is no point in asking. */
const answerTokensMin = 512;

/** Asks the model with the room's history, keeps a receipt of the prompt, and counts the tokens. */
export class ModelResponder implements Responder {
  readonly isFree = false;
  readonly isResumed = true;
  readonly #ctx: Ctx;
  readonly #streamAnswer: StreamAnswer;
  readonly #room: PromptRoom;
  readonly #settings: ModelSettings;

  constructor(ctx: Ctx, streamAnswer: StreamAnswer, room: PromptRoom) {
    this.#ctx = ctx;
    this.#streamAnswer = streamAnswer;
    this.#room = room;
    this.#settings = modelSettings(ctx.config, room.settings);
  }

  async prepare({
    question,
    upToSeq,
    past,
    keptText,
    tokensLeft,
  }: AnswerRequest): Promise<PreparedAnswer> {
    const fixed = tokensBeside(this.#settings) + answerTokensMin;
    const prompt = await readPrompt(this.#ctx, this.#room, question, {
      upToSeq,
      known: past,
      tokensLeft: tokensLeft === undefined ? undefined : tokensLeft - fixed,
      kept: keptText,
    });
    return {
      model: this.#settings.model,
      tokensMin: prompt.tokensAtMost + fixed,
      tokensWanted: prompt.tokensAtMost + tokensBeside(this.#settings) + this.#outputTokensWanted,
      isHistoryFull: prompt.isFull,
      stream: (run) => this.#stream(run, prompt),
    };
  }

  /** Answer and thoughts together. */
  get #outputTokensWanted(): number {
    const { thinkingBudget: budget } = this.#settings;
    return answerTokensMax + (budget === null || budget < 0 ? thoughtsTokensDefault : budget);
  }

  async *#stream(run: AnswerRun, prompt: BuiltPrompt): AsyncGenerator<Delta> {
    const { meter } = run;
    const outputTokensMax = this.#outputTokensMax(run, prompt);
    // A file that nobody was sent yet may still be refused.
    if (prompt.files.some(({ messageId }) => messageId === null)) await run.stored;
    run.signal.throwIfAborted();
    const outcomes = await resolveFiles(this.#ctx, this.#room.id, prompt.files, run.signal);
    meter.begin(prompt.estimatedTokens, this.#room.token_ratio, prompt.fileTokens);
    const receipt = this.#keepReceipt(run, prompt, outcomes);
    const settings = this.#settings;
    const traced = this.#ctx.telemetry.tracing.modelCall(settings.model);
    let hasText = false;
    let failure: string | undefined;
    try {
      const onChange = async (changed: Outcomes) => {
        await receipt;
        const stored = await run.stored;
        if (!stored) return;
        const files = receiptFiles(prompt.files, changed, stored.question.id);
        await noteFiles(this.#ctx, stored.messageId, files);
      };
      const call = { chatId: this.#room.id, prompt, outcomes, onChange };
      const request = { settings, outputTokensMax };
      const deltas = askWithFiles(this.#ctx, this.#streamAnswer, call, request, run.signal);
      for await (const delta of metered(deltas, meter)) {
        if ("text" in delta) {
          if (!hasText) traced.firstChunk();
          hasText = true;
        }
        yield delta;
      }
    } catch (error) {
      if (!run.signal.aborted) failure = error instanceof Error ? error.name : "_OTHER";
      throw error;
    } finally {
      traced.ended(meter.counted, failure);
      this.#checkUsage(run);
      // The answer's end updates the receipt, so it must be stored before.
      await receipt;
    }
  }

  /** The output that the reservation covers, beside the most that the prompt can cost. */
  #outputTokensMax({ meter, reservedTokens }: AnswerRun, { tokensAtMost }: BuiltPrompt): number {
    const beside = meter.charged.total_tokens + tokensAtMost + tokensBeside(this.#settings);
    return Math.max(answerTokensMin, Math.min(this.#outputTokensWanted, reservedTokens - beside));
  }

  /** The model must not cost more than was reserved. If it does, somebody should know. */
  #checkUsage({ lease, meter, reservedTokens }: AnswerRun): void {
    const usedTokens = meter.charged.total_tokens;
    if (usedTokens <= reservedTokens) return;
    const { model } = this.#settings;
    this.#ctx.log.warn(
      { runId: lease.id, model, usedTokens, reservedTokens },
      "an answer used more tokens than were reserved",
    );
  }

  async #keepReceipt(run: AnswerRun, prompt: BuiltPrompt, outcomes: Outcomes): Promise<void> {
    const { lease, meter } = run;
    const { settings } = this.#room;
    const stored = await run.stored;
    if (!stored) return;
    const { question, messageId } = stored;
    try {
      await insertReceipt(this.#ctx.sql, messageId, lease, {
        receipt: {
          model: this.#settings.model,
          settings,
          messages: [...prompt.messages, { id: question.id, updated_seq: question.updated_seq }],
          summary: prompt.summary,
          estimatedTokens: prompt.estimatedTokens,
          files: receiptFiles(prompt.files, outcomes, question.id),
        },
        usage: meter.charged,
      });
    } catch (error) {
      this.#ctx.log.warn({ err: error, messageId }, "an answer has no receipt");
    }
  }
}
