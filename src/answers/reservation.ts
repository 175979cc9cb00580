// The reservation of an answer: a place among all that run, and tokens of the person's and the room's day.
// It is made before anything is stored, and settled when the answer ends.
import type { Caller } from "../accounts/access-tokens.ts";
import { chatNotFound } from "../chats/actions.ts";
import type { Ctx } from "../context.ts";
import { isDatabaseAway } from "../database/connect.ts";
import { firstStreamFrame } from "../wire/message-frames.ts";
import type { Message } from "../wire/messages.ts";
import { Problem } from "../wire/problems.ts";
import { AnswerCall } from "./answer-call.ts";
import { silenceSeconds } from "./budget/abandoned-runs.ts";
import { insertRun, releaseRun, type StartedRun } from "./budget/queries.ts";
import { chooseResponder } from "./choose-responder.ts";
import type { Question } from "./prompt/prompt.ts";
import { asksForPicture } from "./question.ts";
import { findRoomWithPast, type PromptRoom } from "./prompt/queries.ts";
import { pastRange } from "./prompt/read-prompt.ts";
import { checkpointAnswer } from "./queries.ts";
import type { AnswerRequest, PreparedAnswer, Responder } from "./responder.ts";
import { RunningAnswer } from "./running-answer.ts";

/** From the reservation to the stored question; from then on the answer's own lease counts. */
const reservationLeaseSeconds = 60;
const busyRetrySeconds = 5;
const leaseDoubtMs = (silenceSeconds * 1_000) / 2;

interface ReservedQuestion {
  question: Question;
  /** The client id of a question that is not stored yet; undefined if it has none, or is stored. */
  clientId: string | undefined;
  /** History beyond it is not for the model; undefined for no limit. */
  upToSeq?: number | undefined;
}

/** The right to answer one question. It must be started or released. */
export class Reservation {
  readonly runId: number;
  /** The room as it was read before the reservation. */
  readonly room: PromptRoom;
  readonly #ctx: Ctx;
  readonly #call: AnswerCall;
  readonly #releaseSlot: () => void;
  readonly #madeAtMs: number;

  private constructor(
    ctx: Ctx,
    parts: {
      run: { id: number; reservedTokens: number };
      room: PromptRoom;
      prepared: PreparedAnswer;
      releaseSlot: () => void;
    },
  ) {
    this.#ctx = ctx;
    this.runId = parts.run.id;
    this.room = parts.room;
    this.#call = new AnswerCall(parts.prepared, {
      lease: { id: parts.run.id, attempt: 1 },
      reservedTokens: parts.run.reservedTokens,
    });
    this.#releaseSlot = parts.releaseSlot;
    this.#madeAtMs = ctx.now().getTime();
    ctx.answers.storing.add(this.runId);
  }

  /**
   * @returns `known` for a question whose client id its sender has used before in this chat
   * @throws Problem `not_found`, `quota_exceeded`, `bot_not_configured`, `unavailable`
   */
  static async make(
    ctx: Ctx,
    caller: Caller,
    chatId: number,
    { question, clientId, upToSeq = Number.MAX_SAFE_INTEGER }: ReservedQuestion,
  ): Promise<Reservation | "known"> {
    const range = pastRange(ctx, upToSeq);
    const found = await findRoomWithPast(ctx.sql, caller.id, chatId, range, clientId);
    if (!found) throw chatNotFound();
    const { room, past, isKnown } = found;
    if (isKnown) return "known";
    const responder = chooseResponder(ctx, room, question.content);
    if (!responder) throw botNotConfigured(ctx, question.content);
    const releaseSlot = ctx.answers.takeSlot();
    try {
      const request = { question, upToSeq, past, keptText: "" };
      const { run, prepared } = await reserveTokens(ctx, caller, chatId, responder, request);
      return new Reservation(ctx, { run, room, prepared, releaseSlot });
    } catch (error) {
      releaseSlot();
      throw error;
    }
  }

  /**
   * Asks the model before the question is stored, which takes about as long as the model's first word. Messages that others send
   * meanwhile are not in the prompt.
   */
  askAhead(): void {
    this.#call.begin();
  }

  /** Shows the stored answer to the room and makes it in the background, unless another server has taken it over. */
  async start(question: Message, answer: Message): Promise<void> {
    this.#ctx.realtime.toRoom(firstStreamFrame(answer));
    const [call, releaseSlot] = [this.#call, this.#releaseSlot];
    if (await this.#hasLease()) {
      RunningAnswer.start(this.#ctx, { answer, question, call, releaseSlot });
    } else {
      call.discard();
      releaseSlot();
    }
    this.#ctx.answers.storing.delete(this.runId);
  }

  /**
   * Gives everything back. What the model was asked ahead is charged.
   * @param error why the reservation is not used. If the error leaves open whether the answer was stored, the run is
   * left to its lease.
   */
  async release(error?: unknown): Promise<void> {
    this.#releaseSlot();
    this.#ctx.answers.storing.delete(this.runId);
    const usage = this.#call.discard();
    const mayBeStored =
      isDatabaseAway(error) || (error instanceof Problem && error.code === "unavailable");
    if (!mayBeStored) await releaseRun(this.#ctx.sql, this.#call.lease, usage);
  }

  /**
   * The answer's lease has begun with the commit, whose reply may have come late. It is renewed then, because another
   * server would ask the model, too. If it can't be renewed, the answer is left to recovery.
   */
  async #hasLease(): Promise<boolean> {
    const { now, sql, log } = this.#ctx;
    if (now().getTime() - this.#madeAtMs < leaseDoubtMs) return true;
    const kept = { text: undefined, usage: this.#call.meter.charged, leaseEnds: false };
    try {
      return (await checkpointAnswer(sql, this.#call.lease, kept)) !== undefined;
    } catch (error) {
      log.warn({ err: error, runId: this.runId }, "an answer's lease could not be renewed");
      return false;
    }
  }
}

/**
 * Reserves the most that the answer can cost. Where less is left of the day, history is left out of the prompt.
 * @throws Problem `quota_exceeded`
 */
async function reserveTokens(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  responder: Responder,
  request: AnswerRequest,
): Promise<{ run: { id: number; reservedTokens: number }; prepared: PreparedAnswer }> {
  const { userDayTokens, chatDayTokens, userAnswers, chatAnswers, allAnswers } = ctx.config.budgets;
  const limits = responder.isFree
    ? { userTokens: 0, chatTokens: 0, userAnswers: 0, chatAnswers: 0 }
    : {
        ...{ userTokens: userDayTokens, chatTokens: chatDayTokens },
        ...{ userAnswers, chatAnswers, allAnswers },
      };
  let prepared = await responder.prepare(request);
  for (let tries = 1; ; tries += 1) {
    const { tokensMin, tokensWanted } = prepared;
    const started = await insertRun(ctx.sql, {
      chatId,
      userId: responder.isFree ? undefined : caller.id,
      tokensMin,
      tokensWanted,
      limits,
      leaseSeconds: reservationLeaseSeconds,
    });
    const { run_id: id, reserved_tokens: reservedTokens } = started;
    if (id !== null && reservedTokens !== null) return { run: { id, reservedTokens }, prepared };
    const refusal = quotaExceeded(ctx, started, tokensMin);
    if (tries > 1 || refusal.reason !== "used_up") throw refusal.problem;
    prepared = await responder.prepare({ ...request, tokensLeft: refusal.tokensLeft });
    if (prepared.tokensMin > refusal.tokensLeft) throw refusal.problem;
  }
}

/** Problem `unavailable` for a question that waited longer to be stored than its reservation lasts. */
export function storedTooLate(): Problem {
  return new Problem(
    "unavailable",
    "The question could not be stored in time, and nothing of it was. Ask again in a moment.",
    { retryAfterSeconds: busyRetrySeconds },
  );
}

function botNotConfigured({ model }: Ctx, content: string): Problem {
  if (model.answer && asksForPicture(content)) {
    return new Problem(
      "bot_not_configured",
      "This server makes no pictures. Ask its operator to set GEMINI_IMAGE_MODEL.",
    );
  }
  return new Problem(
    "bot_not_configured",
    "This server has no Gemini API key, so /bot cannot answer. Ask its operator to set GEMINI_API_KEY.",
  );
}

/** Tells why a run was refused. `used_up`: waiting for running answers to end would not help today. */
function quotaExceeded(
  ctx: Ctx,
  started: StartedRun,
  tokensMin: number,
): { reason: "busy" | "held" | "used_up"; problem: Problem; tokensLeft: number } {
  const refuse = (detail: string, retryAfterSeconds: number) =>
    new Problem("quota_exceeded", detail, { retryAfterSeconds });
  const { user_left: userLeft, chat_left: chatLeft } = started;
  const tokensLeft = Math.min(userLeft ?? Infinity, chatLeft ?? Infinity);
  if (started.user_is_busy || started.chat_is_busy || started.all_are_busy) {
    const own = "As many of your questions as may be are being answered. Wait for one, or stop it.";
    const inChat =
      "As many questions as may be are being answered in this chat. Wait for one, or stop it.";
    const ofAll = "The model is answering as many questions as it may. Ask again in a moment.";
    const detail = started.user_is_busy ? own : started.chat_is_busy ? inChat : ofAll;
    return { reason: "busy", problem: refuse(detail, busyRetrySeconds), tokensLeft };
  }
  const short = [
    { whose: "Your", left: userLeft, reserved: started.user_reserved },
    { whose: "This chat's", left: chatLeft, reserved: started.chat_reserved },
  ].filter(({ left }) => left !== null && left < tokensMin);
  const usedUp = short.find(({ left, reserved }) => (left ?? 0) + (reserved ?? 0) < tokensMin);
  if (usedUp) {
    const detail = `${usedUp.whose} tokens for today are used up. There are new ones at midnight UTC.`;
    return { reason: "used_up", problem: refuse(detail, secondsToMidnight(ctx.now())), tokensLeft };
  }
  // Running answers give back the tokens that they don't need.
  const detail = `${short[0]?.whose} tokens for today are held by answers that are running. Try again when one has ended.`;
  return { reason: "held", problem: refuse(detail, busyRetrySeconds), tokensLeft };
}

function secondsToMidnight(now: Date): number {
  const midnight = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1);
  return Math.max(1, Math.ceil((midnight - now.getTime()) / 1_000));
}
