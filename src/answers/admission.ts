// Whether a question may be answered: a place among this server's answers, and tokens of the person's and the room's
// day, which are reserved before anything is stored and settled when the answer ends.
import type { Caller } from "../accounts/access-tokens.ts";
import { chatNotFound } from "../chats/actions.ts";
import type { Ctx, Place } from "../context.ts";
import { isDatabaseAway } from "../database/connect.ts";
import type { Message } from "../wire/messages.ts";
import { Problem } from "../wire/problems.ts";
import { insertRun, releaseRun, type RunKey, type StartedRun } from "./budget/queries.ts";
import { buildPrompt, pastMessagesMax, promptBytesMax, type BuiltPrompt } from "./prompt/prompt.ts";
import { speakerCode } from "./text/speaker-marks.ts";
import { findPastMessages, findPromptRoom, type PromptRoom } from "./prompt/queries.ts";
import { isHelp } from "./question.ts";

/** Tokens of the answer itself at most, and of thoughts where the chat leaves them to the model. */
const answerTokensMax = 8_192;
const thoughtsTokensDefault = 8_192;
/** With fewer left for the answer there is no point in asking. */
export const answerTokensMin = 512;
/** From the reservation to the stored question; from then on the answer's own lease counts. */
const admissionLeaseSeconds = 60;
const busyRetrySeconds = 5;

/** The right to answer one question. Whoever does not use it gives it back. */
export interface Admission {
  place: Place;
  run: RunKey;
  reservedTokens: number;
  room: PromptRoom;
  /** Made from what was said up to `room.last_seq`. */
  prompt: BuiltPrompt;
  /** @param error why it is not used: if that leaves open whether the answer was stored, the lease ends the run. */
  release(error?: unknown): Promise<void>;
}

/**
 * @param upToSeq history beyond it is not for the model; undefined for all
 * @throws Problem `not_found`, `quota_exceeded`, `bot_not_configured`, `unavailable`
 */
export async function admit(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  question: Pick<Message, "username" | "content">,
  upToSeq?: number,
): Promise<Admission> {
  const isLocal = isHelp(question.content);
  const place = ctx.answers.reserve({ needsModel: !isLocal });
  try {
    const room = await findPromptRoom(
      ctx.sql,
      caller.id,
      chatId,
      upToSeq ?? Number.MAX_SAFE_INTEGER,
    );
    if (!room) throw chatNotFound();
    const prompt = await promptOf(ctx, chatId, room, question, { upToSeq });
    const started = await insertRun(ctx.sql, {
      chatId,
      ...(isLocal ? freeOfCharge : { userId: caller.id, ...charge(ctx, room, prompt) }),
      leaseSeconds: admissionLeaseSeconds,
    });
    if (started.run_id === null || started.reserved_tokens === null) {
      throw quotaExceeded(ctx, started, prompt.estimatedTokens + answerTokensMin);
    }
    const run: RunKey = { id: started.run_id, attempt: 1 };
    return {
      place,
      run,
      reservedTokens: started.reserved_tokens,
      room,
      prompt,
      async release(error) {
        place.release();
        const isInDoubt =
          isDatabaseAway(error) || (error instanceof Problem && error.code === "unavailable");
        if (!isInDoubt) await releaseRun(ctx.sql, run);
      },
    };
  } catch (error) {
    place.release();
    throw error;
  }
}

/** Reads what was said in a room before a question and makes the prompt. */
export async function promptOf(
  ctx: Ctx,
  chatId: number,
  room: PromptRoom,
  question: Pick<Message, "username" | "content">,
  {
    upToSeq = Number.MAX_SAFE_INTEGER,
    tokensMax = ctx.config.gemini.contextTokens,
    kept = "",
  }: { upToSeq?: number; tokensMax?: number; kept?: string },
): Promise<BuiltPrompt> {
  const past = await findPastMessages(ctx.sql, chatId, {
    upToSeq,
    limit: pastMessagesMax,
    bytesMax: promptBytesMax(tokensMax, room.token_ratio),
  });
  const code = speakerCode(ctx.secretKey, chatId);
  return buildPrompt({ room, code, past, question, tokensMax, kept });
}

/** What the server answers by itself costs nothing, is never refused, and is in no question's way. */
const freeOfCharge = {
  userId: undefined,
  tokensMin: 0,
  tokensWanted: 0,
  limits: { userTokens: 0, chatTokens: 0, userAnswers: 0, chatAnswers: 0 },
};

function charge(ctx: Ctx, room: PromptRoom, prompt: BuiltPrompt) {
  const { userDayTokens, chatDayTokens, userAnswers, chatAnswers } = ctx.config.budgets;
  const { thinking_budget: budget } = room.settings;
  const thoughts = budget === null || budget < 0 ? thoughtsTokensDefault : budget;
  return {
    tokensMin: prompt.estimatedTokens + answerTokensMin,
    tokensWanted: prompt.estimatedTokens + answerTokensMax + thoughts,
    limits: { userTokens: userDayTokens, chatTokens: chatDayTokens, userAnswers, chatAnswers },
  };
}

function quotaExceeded(ctx: Ctx, started: StartedRun, tokensMin: number): Problem {
  const refuse = (detail: string, retryAfterSeconds: number) =>
    new Problem("quota_exceeded", detail, { retryAfterSeconds });
  const { user_left: userLeft, chat_left: chatLeft } = started;
  if (started.user_is_busy) {
    return refuse(
      "As many of your questions as may be are being answered. Wait for one, or stop it.",
      busyRetrySeconds,
    );
  }
  if (started.chat_is_busy) {
    return refuse(
      "As many questions as may be are being answered in this chat. Wait for one, or stop it.",
      busyRetrySeconds,
    );
  }
  const short = [
    { whose: "Your", left: userLeft, reserved: started.user_reserved },
    { whose: "This chat's", left: chatLeft, reserved: started.chat_reserved },
  ].filter(({ left }) => left !== null && left < tokensMin);
  const usedUp = short.find(({ left, reserved }) => (left ?? 0) + (reserved ?? 0) < tokensMin);
  if (usedUp) {
    return refuse(
      `${usedUp.whose} tokens for today are used up. There are new ones at midnight UTC.`,
      secondsToMidnight(ctx.now()),
    );
  }
  // Running answers give back what they don't need.
  return refuse(
    `${short[0]?.whose} tokens for today are held by answers that are running. Try again when one has ended.`,
    busyRetrySeconds,
  );
}

function secondsToMidnight(now: Date): number {
  const midnight = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1);
  return Math.max(1, Math.ceil((midnight - now.getTime()) / 1_000));
}
