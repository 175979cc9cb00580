// One run of an answer: the model's text goes to the room as it comes, is stored about once a second, and has exactly one end.
// The run belongs to the room: it goes on when the socket of the person who asked closes.
import type { Ctx, RunningAnswer as RunningAnswerPort, StopReason } from "../context.ts";
import { isBlank } from "../model/blank-text.ts";
import { EmptyAnswer, ModelError } from "../model/stream-answer.ts";
import type { Message } from "../wire/messages.ts";
import { brokenOff, endOfError, type AnswerEnd } from "./answer-end.ts";
import type { AnswerCall } from "./answer-call.ts";
import { releaseRun } from "./budget/queries.ts";
import { Checkpoints } from "./checkpoints.ts";
import { AnswerPictures } from "./pictures/answer-pictures.ts";
import { summariseHistory } from "./prompt/summaries.ts";
import { publishChunk, publishEnd } from "./publish.ts";
import { checkpointAnswer } from "./queries.ts";
import { storeEnd } from "./store-end.ts";
import { createAnswerFilter } from "./text/answer-text.ts";
import { TextGrowth } from "./text/growth.ts";
import type { LengthLimit } from "./text/length-limit.ts";
import { speakerCode } from "./text/speaker-labels.ts";
import type { TextFilter } from "./text/text-filter.ts";

export interface AnswerToRun {
  /** Its content is the text of a server that died; "" for a new answer. */
  answer: Message;
  question: Message;
  call: AnswerCall;
  releaseSlot: () => void;
  /** Set for an answer that another server had begun. */
  resumed?: {
    /** The answer ends when no text has come after so many milliseconds. */
    withinMs: number;
  };
}

export class RunningAnswer implements RunningAnswerPort {
  readonly chatId: number;
  readonly messageId: number;
  readonly seq: number;
  readonly createdAt: string;
  readonly #ctx: Ctx;
  readonly #call: AnswerCall;
  readonly #resumeWithinMs: number | undefined;
  readonly #growth: TextGrowth;
  readonly #pictures = new AnswerPictures();
  #startedAt = performance.now();
  #checkpoints: Checkpoints | undefined;
  #firstChunkMs: number | undefined;
  #text: string;
  #stopReason: StopReason | undefined;
  #isEnding = false;
  #done = Promise.resolve();

  private constructor(ctx: Ctx, parts: AnswerToRun) {
    const { answer, question, call, resumed } = parts;
    this.#ctx = ctx;
    this.chatId = answer.chat_id;
    this.messageId = answer.id;
    this.seq = answer.seq;
    this.createdAt = answer.created_at;
    this.#call = call;
    call.noteStored({ question, messageId: answer.id });
    this.#resumeWithinMs = resumed?.withinMs;
    this.#text = answer.content;
    this.#growth = new TextGrowth(answer.content.length);
  }

  /** Answers a stored question in the background. Whatever fails, the answer gets an end, here or by recovery. */
  static start(ctx: Ctx, parts: AnswerToRun): RunningAnswer {
    const answer = new RunningAnswer(ctx, parts);
    ctx.answers.add(answer);
    // The listeners of this node were shown nothing of a resumed answer, or text that was not kept.
    if (parts.resumed) publishChunk(ctx, answer, { chunk: parts.call.keptText, offset: 0 });
    answer.#done = ctx.telemetry.tracing
      .answer(() => answer.#run())
      .catch((error: unknown) => {
        const { messageId } = answer;
        ctx.log.error(
          { err: error, messageId },
          "an answer's end was not stored; recovery ends it",
        );
      })
      .finally(() => {
        ctx.answers.remove(answer);
        parts.releaseSlot();
      });
    if (parts.call.prepared.isHistoryFull) {
      void answer.#done.then(() => summariseHistory(ctx, answer.chatId));
    }
    return answer;
  }

  get text(): string {
    return this.#text;
  }

  get isEnding(): boolean {
    return this.#isEnding;
  }

  get done(): Promise<void> {
    return this.#done;
  }

  get lease(): RunningAnswerPort["lease"] {
    return this.#call.lease;
  }

  stop(reason: StopReason): void {
    this.#stopReason ??= reason;
    this.#call.abort();
  }

  checkStop(): void {
    this.#checkpoints?.now();
  }

  async #run(): Promise<{ chatId: number; status: AnswerEnd["status"] }> {
    const end = await this.#stream();
    await this.#finish(end);
    this.#ctx.telemetry.metrics.answerEnded({
      status: end.status,
      model: this.#call.prepared.model,
      firstChunkMs: this.#firstChunkMs,
      totalMs: performance.now() - this.#startedAt,
      usage: this.#call.meter.own,
    });
    return { chatId: this.chatId, status: end.status };
  }

  async #stream(): Promise<AnswerEnd> {
    const code = speakerCode(this.#ctx.config.secretKey, this.chatId);
    const { messageId, lease } = this;
    const { keptText, meter } = this.#call;
    const { filter, limit } = createAnswerFilter(code, keptText, (text) => this.#show(text));
    this.#checkpoints = new Checkpoints({
      ...{ ctx: this.#ctx, messageId, lease, keptText },
      read: () => ({ text: this.#text, usage: meter.charged }),
      stop: (reason) => this.stop(reason),
    });
    const deadline =
      this.#resumeWithinMs === undefined
        ? undefined
        : setTimeout(() => {
            if (this.#firstChunkMs === undefined) this.stop("interrupted");
          }, this.#resumeWithinMs);
    let end: AnswerEnd | undefined;
    let failure: unknown;
    try {
      end = await this.#read(filter, limit);
    } catch (error) {
      failure = error;
    }
    clearTimeout(deadline);
    this.#checkpoints.end();
    this.#show(filter.end(end !== undefined));
    // Speaker labels and white space alone are no answer.
    const isEmpty = end?.status === "complete" && isBlank(this.#text) && this.#pictures.count === 0;
    return end && !isEmpty ? end : this.#endOfFailure(failure ?? new EmptyAnswer());
  }

  /** @returns the model's own ending, or that of the length limit */
  async #read(filter: TextFilter, limit: LengthLimit): Promise<AnswerEnd> {
    this.#startedAt = this.#call.begin();
    for await (const delta of this.#call.deltas()) {
      if ("ending" in delta) return delta.ending;
      if ("usage" in delta) continue;
      if ("picture" in delta)
        await this.#pictures.keep(this.#ctx, this, delta.picture, limit.length);
      else this.#show(filter.push(this.#pictures.pieceAt(limit.length, delta.text)));
      if (limit.isExceeded) {
        return { status: "truncated", error: "The answer became too long and was cut here." };
      }
    }
    throw new ModelError("The answer ended without a proper end.");
  }

  #show(text: string): void {
    if (text === "" || this.#stopReason === "abandoned") return;
    this.#firstChunkMs ??= Math.round(performance.now() - this.#startedAt);
    const offset = this.#text.length;
    this.#text += text;
    const whole = this.#growth.isDue(this.#text.length) ? this.#text : undefined;
    publishChunk(this.#ctx, this, { chunk: text, offset, whole });
  }

  #endOfFailure(error: unknown): AnswerEnd {
    const { messageId } = this;
    // The server before died between the last word and the end.
    if (error instanceof EmptyAnswer && !isBlank(this.#call.keptText))
      return { status: "complete" };
    if (this.#stopReason !== undefined && this.#stopReason !== "interrupted") {
      return { status: this.#stopReason };
    }
    if (this.#resumeWithinMs !== undefined && this.#firstChunkMs === undefined) return brokenOff;
    const end = endOfError(error);
    if (error instanceof ModelError)
      this.#ctx.log.warn({ messageId, detail: error.detail }, "an answer failed");
    else this.#ctx.log.error({ err: error, messageId }, "an answer failed");
    return end;
  }

  /** @throws when the database stays away: recovery goes on with the answer once it is back */
  async #finish({ status, ...end }: AnswerEnd): Promise<void> {
    const { sql } = this.#ctx;
    const usage = this.#call.meter.charged;
    if (status === "abandoned") return await releaseRun(sql, this.lease, usage);
    if (status === "handed_over") {
      await checkpointAnswer(sql, this.lease, { text: this.#text, usage, leaseEnds: true });
      return;
    }
    this.#isEnding = true;
    const { counted, estimatedPromptTokens, shown } = this.#call.meter;
    const ended = await storeEnd(
      sql,
      this,
      { status, ...end },
      {
        content: this.#text,
        usage: shown,
        charged: usage,
        estimatedPromptTokens: counted && estimatedPromptTokens,
        firstChunkMs: this.#firstChunkMs,
        totalMs: Math.round(performance.now() - this.#startedAt),
      },
    );
    if (!ended) return this.#ctx.answers.remove(this);
    // People who join before its last frame is sent must receive its text, and people who join afterwards must not.
    const noteSent = this.#ctx.answers.removeEnded(this);
    this.#ctx.realtime.rooms.callAfter(this.chatId, ended.message.updated_seq, noteSent);
    publishEnd(this.#ctx, ended);
  }
}
