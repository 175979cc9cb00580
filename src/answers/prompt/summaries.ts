// When a room's history outgrows a prompt, its older part is summarised: in the background, by the room's own model, each
// summary from the one before it and the messages that follow.
import type { Config } from "../../config/config.ts";
import type { Ctx } from "../../context.ts";
import { isBlank } from "../../model/blank-text.ts";
import type { Prompt } from "../../model/stream-answer.ts";
import { leaseSeconds } from "../budget/abandoned-runs.ts";
import { insertRun, releaseRun, type Lease } from "../budget/queries.ts";
import { metered } from "../budget/metered.ts";
import { UsageMeter } from "../budget/usage-meter.ts";
import { modelSettings, tokensBeside } from "../model-settings.ts";
import { SpeakerLabelFilter, speakerCode } from "../text/speaker-labels.ts";
import { estimateTokens, promptBytesMax, tokensAtMost } from "../text/token-estimates.ts";
import { pastMessagesMax, summaryPrompt } from "./prompt.ts";
import { findPromptRoom, type PastMessage, type PromptRoom } from "./queries.ts";
import { findMessagesToSummarise, findSummaryEnd, insertSummary } from "./summary-queries.ts";

/** The part of the limit that newer messages, which stay as they are, may fill after a summary. */
const keptPart = 0.5;
const summaryTokensMax = 8_192;
/** The part of the room's day that the messages of one summary may cost. */
const summaryBudgetPart = 0.25;
const summaryLengthMax = 8_000;
const summaryTimeoutMs = 60_000;
const summariesMax = 4;

/**
 * Summarises the messages of a chat that soon don't fit into a prompt. It never throws; after a failure the next question
 * tries again.
 */
export async function summariseHistory(ctx: Ctx, chatId: number): Promise<void> {
  const { summarising } = ctx.answers;
  if (summarising.has(chatId) || summarising.size >= summariesMax || ctx.lifecycle.closing) return;
  summarising.add(chatId);
  try {
    await makeSummary(ctx, chatId);
  } catch (error) {
    ctx.log.warn({ err: error, chatId }, "a room's history could not be summarised yet");
  } finally {
    summarising.delete(chatId);
  }
}

async function makeSummary(ctx: Ctx, chatId: number): Promise<void> {
  const { contextTokens } = ctx.config.gemini;
  const room = await findPromptRoom(ctx.sql, chatId, Number.MAX_SAFE_INTEGER);
  if (!room) return;
  const endSeq = await findSummaryEnd(ctx.sql, chatId, {
    limit: Math.floor(pastMessagesMax * keptPart),
    bytesMax: promptBytesMax(Math.floor(contextTokens * keptPart), room.token_ratio),
  });
  const fromSeq = room.summary_up_to_seq ?? 0;
  if (endSeq === undefined || endSeq <= fromSeq) return;
  const past = await findMessagesToSummarise(ctx.sql, chatId, {
    afterSeq: fromSeq,
    upToSeq: endSeq,
    limit: pastMessagesMax,
    bytesMax: bytesPerSummary(ctx.config, room),
  });
  const upToSeq = past.at(-1)?.seq;
  if (upToSeq === undefined) return;
  const content = await askForSummary(ctx, chatId, room, past);
  if (content === undefined) return;
  const { revision } = room;
  const isKept = await insertSummary(ctx.sql, chatId, { upToSeq, content, revision });
  ctx.log.info({ chatId, upToSeq, isKept }, "a room's history was summarised");
}

/** A summary must not need all tokens of the room's day: it reserves as many as its prompt has bytes. */
function bytesPerSummary({ gemini, budgets }: Config, room: PromptRoom): number | undefined {
  const bytes = promptBytesMax(gemini.contextTokens, room.token_ratio);
  if (budgets.chatDayTokens === 0) return bytes;
  return Math.min(bytes ?? Infinity, Math.floor(budgets.chatDayTokens * summaryBudgetPart));
}

/** @returns undefined when the room's tokens for today don't reach, or the model brings it to no proper end */
async function askForSummary(
  ctx: Ctx,
  chatId: number,
  room: PromptRoom,
  past: PastMessage[],
): Promise<string | undefined> {
  const code = speakerCode(ctx.config.secretKey, chatId);
  const { system, turns } = summaryPrompt(room, code, past);
  const texts = [system, ...turns.map(({ text }) => text)];
  const sumOf = (tokensOf: (text: string) => number) =>
    texts.reduce((sum, text) => sum + tokensOf(text), 0);
  const estimated = sumOf((text) => estimateTokens(text, room.token_ratio));
  const settings = {
    ...modelSettings(ctx.config, room.settings),
    temperature: null,
    googleSearch: false,
  };
  const tokens = sumOf(tokensAtMost) + tokensBeside(settings) + summaryTokensMax;
  const { run_id: id } = await insertRun(ctx.sql, {
    chatId,
    userId: undefined,
    tokensMin: tokens,
    tokensWanted: tokens,
    limits: {
      userTokens: 0,
      chatTokens: ctx.config.budgets.chatDayTokens,
      userAnswers: 0,
      chatAnswers: 0,
    },
    leaseSeconds: summaryTimeoutMs / 1_000 + leaseSeconds,
  });
  if (id === null) return undefined;
  const lease: Lease = { id, attempt: 1 };
  const meter = new UsageMeter();
  try {
    meter.begin(estimated, room.token_ratio);
    const prompt = { system, turns, settings, outputTokensMax: summaryTokensMax };
    return await readWhole(ctx, prompt, code, meter);
  } finally {
    await releaseRun(ctx.sql, lease, meter.charged);
  }
}

async function readWhole(
  ctx: Ctx,
  prompt: Prompt,
  code: string,
  meter: UsageMeter,
): Promise<string | undefined> {
  if (!ctx.model.answer) return undefined;
  const labels = new SpeakerLabelFilter(code);
  let text = "";
  const deltas = ctx.model.answer(prompt, AbortSignal.timeout(summaryTimeoutMs));
  for await (const delta of metered(deltas, meter)) {
    if ("usage" in delta) continue;
    if ("text" in delta) {
      text += labels.push(delta.text);
      if (text.length > summaryLengthMax) return undefined;
    } else if (!("ending" in delta) || delta.ending.status !== "complete") {
      return undefined;
    }
  }
  text += labels.end();
  return isBlank(text) ? undefined : text.trim();
}
