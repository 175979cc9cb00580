// When a room's history outgrows a prompt, its older part is folded into a summary: in the background, by the room's own
// model, each from the summary before it and the messages that follow.
import type { Ctx } from "../../context.ts";
import { insertRun, leaseSeconds, releaseRun, type RunKey } from "../budget/queries.ts";
import { estimateTokens, pastMessagesMax, promptBytesMax, summaryPrompt } from "./prompt.ts";
import { createMarkFilter, speakerCode } from "../text/speaker-marks.ts";
import { createMeter, type Meter } from "../budget/meter.ts";
import type { Prompt } from "../../model/stream-answer.ts";
import {
  findMessagesToFold,
  findPromptRoom,
  type PastMessage,
  type PromptRoom,
} from "./queries.ts";
import { modelSettings } from "../model-settings.ts";
import { findFoldEnd, insertSummary } from "./summary-queries.ts";

/** After a fold this part of the limit is free of it again. */
const keptPart = 0.5;
const summaryTokensMax = 8_192;
const summaryLengthMax = 8_000;
const foldTimeoutMs = 60_000;
const foldsMax = 4;

/** Sums up what a prompt of this chat soon can't hold. Never throws; what fails is tried again after the next question. */
export async function foldHistory(ctx: Ctx, chatId: number): Promise<void> {
  if (
    ctx.answers.summarising.has(chatId) ||
    ctx.answers.summarising.size >= foldsMax ||
    ctx.lifecycle.closing
  )
    return;
  ctx.answers.summarising.add(chatId);
  try {
    await fold(ctx, chatId);
  } catch (error) {
    ctx.log.warn({ err: error, chatId }, "a room's history could not be summed up yet");
  } finally {
    ctx.answers.summarising.delete(chatId);
  }
}

async function fold(ctx: Ctx, chatId: number): Promise<void> {
  const { contextTokens } = ctx.config.gemini;
  const room = await findPromptRoom(ctx.sql, undefined, chatId, Number.MAX_SAFE_INTEGER);
  if (!room) return;
  const foldTo = await findFoldEnd(ctx.sql, chatId, {
    limit: Math.floor(pastMessagesMax * keptPart),
    bytesMax: promptBytesMax(Math.floor(contextTokens * keptPart), room.token_ratio),
  });
  const fromSeq = room.summary_up_to_seq ?? 0;
  if (foldTo === undefined || foldTo <= fromSeq) return;
  const past = await findMessagesToFold(ctx.sql, chatId, {
    afterSeq: fromSeq,
    upToSeq: foldTo,
    limit: pastMessagesMax,
    bytesMax: promptBytesMax(contextTokens, room.token_ratio),
  });
  const upToSeq = past.at(-1)?.seq;
  if (upToSeq === undefined) return;
  const content = await sumUp(ctx, chatId, room, past);
  if (content === undefined) return;
  const { revision } = room;
  const isKept = await insertSummary(ctx.sql, chatId, { upToSeq, content, revision });
  ctx.log.info({ chatId, upToSeq, isKept }, "a room's history was summed up");
}

/** @returns undefined when the room's tokens for today don't reach, or the model brings it to no proper end */
async function sumUp(
  ctx: Ctx,
  chatId: number,
  room: PromptRoom,
  past: PastMessage[],
): Promise<string | undefined> {
  const code = speakerCode(ctx.secretKey, chatId);
  const { system, turns } = summaryPrompt(room, code, past);
  const estimated = [system, ...turns.map(({ text }) => text)].reduce(
    (sum, text) => sum + estimateTokens(text, room.token_ratio),
    0,
  );
  const { run_id: id } = await insertRun(ctx.sql, {
    chatId,
    userId: undefined,
    tokensMin: estimated + summaryTokensMax,
    tokensWanted: estimated + summaryTokensMax,
    limits: {
      userTokens: 0,
      chatTokens: ctx.config.budgets.chatDayTokens,
      userAnswers: 0,
      chatAnswers: 0,
    },
    leaseSeconds: foldTimeoutMs / 1_000 + leaseSeconds,
  });
  if (id === null) return undefined;
  const run: RunKey = { id, attempt: 1 };
  const meter = createMeter();
  try {
    meter.ask(estimated, room.token_ratio);
    const settings = {
      ...modelSettings(ctx.config, room.settings),
      temperature: null,
      googleSearch: false,
    };
    return await readWhole(
      ctx,
      { system, turns, settings, outputTokensMax: summaryTokensMax },
      code,
      meter,
    );
  } finally {
    await releaseRun(ctx.sql, run, meter.charged());
  }
}

async function readWhole(
  ctx: Ctx,
  prompt: Prompt,
  code: string,
  meter: Meter,
): Promise<string | undefined> {
  if (!ctx.model.answer) return undefined;
  const marks = createMarkFilter(code);
  let text = "";
  for await (const delta of ctx.model.answer(prompt, AbortSignal.timeout(foldTimeoutMs))) {
    if ("usage" in delta) {
      meter.count(delta.usage);
    } else if ("text" in delta) {
      meter.write(delta.text);
      text += marks.push(delta.text);
      if (text.length > summaryLengthMax) return undefined;
    } else if (delta.ending.status !== "complete") {
      return undefined;
    }
  }
  return (text + marks.end()).trim() || undefined;
}
