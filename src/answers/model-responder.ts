import type { Ctx } from "../context.ts";
import { ModelError, type Delta, type StreamAnswer } from "../model/stream-answer.ts";
import { modelSettings } from "./model-settings.ts";
import type { BuiltPrompt } from "./prompt/prompt.ts";
import { estimateTokens } from "./prompt/prompt.ts";
import { insertReceipt, type PromptRoom } from "./prompt/queries.ts";
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
  readonly #ctx: Ctx;
  readonly #streamAnswer: StreamAnswer;
  readonly #room: PromptRoom;

  constructor(ctx: Ctx, streamAnswer: StreamAnswer, room: PromptRoom) {
    this.#ctx = ctx;
    this.#streamAnswer = streamAnswer;
    this.#room = room;
  }

  async prepare({ question, upToSeq, resumed }: AnswerRequest): Promise<PreparedAnswer> {
    const prompt = await readPrompt(this.#ctx, this.#room, question, {
      upToSeq,
      tokensMax: this.#historyTokensMax(resumed),
      kept: resumed?.text ?? "",
    });
    const { thinking_budget: budget } = this.#room.settings;
    const thoughts = budget === null || budget < 0 ? thoughtsTokensDefault : budget;
    return {
      model: modelSettings(this.#ctx.config, this.#room.settings).model,
      tokensMin: prompt.estimatedTokens + answerTokensMin,
      tokensWanted: prompt.estimatedTokens + answerTokensMax + thoughts,
      isHistoryFull: prompt.isFull,
      stream: (run) => this.#stream(run, prompt),
    };
  }

  /** A resumed answer has to do with its reservation: no limit is passed for a second try. */
  #historyTokensMax(resumed: AnswerRequest["resumed"]): number {
    const { contextTokens } = this.#ctx.config.gemini;
    if (!resumed) return contextTokens;
    const keptTokens = estimateTokens(resumed.text, this.#room.token_ratio);
    const left = resumed.tokensLeft - answerTokensMin - keptTokens;
    return Math.max(1, contextTokens > 0 ? Math.min(contextTokens, left) : left);
  }

  async *#stream(run: AnswerRun, prepared: BuiltPrompt): AsyncGenerator<Delta> {
    const { meter } = run;
    const prompt = await this.#newestPrompt(run, prepared);
    const left = run.reservedTokens - meter.charged.total_tokens - prompt.estimatedTokens;
    meter.begin(prompt.estimatedTokens, this.#room.token_ratio);
    const receipt = this.#keepReceipt(run, prompt);
    const settings = modelSettings(this.#ctx.config, this.#room.settings);
    const call = this.#ctx.telemetry.tracing.modelCall(settings.model);
    let hasBegun = false;
    let hasText = false;
    let failure: string | undefined;
    try {
      const { system, turns } = prompt;
      const outputTokensMax = Math.max(answerTokensMin, left);
      const request = { system, turns, settings, outputTokensMax };
      for await (const delta of this.#streamAnswer(request, run.signal)) {
        hasBegun = true;
        if ("text" in delta) {
          if (!hasText) call.firstChunk();
          hasText = true;
          meter.addText(delta.text);
        }
        if ("usage" in delta) meter.setCount(delta.usage);
        yield delta;
      }
    } catch (error) {
      // Gemini charges nothing for a request that it refuses: https://ai.google.dev/gemini-api/docs/billing
      if (error instanceof ModelError && !hasBegun) meter.cancel();
      if (!run.signal.aborted) failure = error instanceof Error ? error.name : "_OTHER";
      throw error;
    } finally {
      call.ended(meter.counted, failure);
      // The answer's end updates the receipt, so it must be stored before.
      await receipt;
    }
  }

  /**
   * Reads the history again if others have written between the first reading and the question, and uses it if the
   * reservation covers it.
   */
  async #newestPrompt(run: AnswerRun, prepared: BuiltPrompt): Promise<BuiltPrompt> {
    const { question, keptText, reservedTokens } = run;
    if (keptText !== "" || question.seq <= this.#room.last_seq + 1) return prepared;
    const newest = await readPrompt(this.#ctx, this.#room, question, { upToSeq: question.seq - 1 });
    return newest.estimatedTokens + answerTokensMin <= reservedTokens ? newest : prepared;
  }

  async #keepReceipt(run: AnswerRun, prompt: BuiltPrompt): Promise<void> {
    const { question, messageId, lease, meter } = run;
    const { settings } = this.#room;
    try {
      await insertReceipt(this.#ctx.sql, messageId, lease, {
        receipt: {
          model: modelSettings(this.#ctx.config, settings).model,
          settings,
          messages: [...prompt.messages, { id: question.id, updated_seq: question.updated_seq }],
          summary: prompt.summary,
          estimatedTokens: prompt.estimatedTokens,
        },
        usage: meter.charged,
      });
    } catch (error) {
      this.#ctx.log.warn({ err: error, messageId }, "an answer has no receipt");
    }
  }
}
