// Answers whose server is gone: another one takes them over under the lease, and goes on from the text that was kept.
import type { Ctx } from "../context.ts";
import type { Message } from "../wire/messages.ts";
import { answerTokensMin, promptOf } from "./admission.ts";
import { publishChunk, publishEnd, runReply } from "./run.ts";
import { claimAbandonedRuns, releaseRun, type ClaimedRun } from "./budget/queries.ts";
import { estimateTokens } from "./prompt/prompt.ts";
import { createMeter, nothingUsed } from "./budget/meter.ts";
import { findPromptRoom } from "./prompt/queries.ts";
import { endAnswer, findRunningAnswer } from "./queries.ts";
import { isHelp } from "./question.ts";

const sweepPageSize = 100;
/** A question that takes servers down with it must not do so for ever. */
const attemptsMax = 5;
/** Its lease ran out before; together they stay within the 15 s in which an answer goes on or ends. */
const resumeWithinMs = 8_000;

/**
 * Takes over the answers of servers that died, or that went down and handed them over. Called about once a second.
 * @param withinMs an answer that has not gone on by then ends
 */
export async function sweepAbandonedAnswers(ctx: Ctx, withinMs = resumeWithinMs): Promise<void> {
  if (ctx.lifecycle.closing) return;
  for (const run of await claimAbandonedRuns(ctx.sql, ctx.answers.runIds(), sweepPageSize)) {
    // One that can't be taken over must not keep the others waiting; it comes again when its lease has run out.
    await takeOver(ctx, run, withinMs).catch((error: unknown) => {
      ctx.log.error({ err: error, messageId: run.message_id }, "an answer could not be taken over");
    });
  }
}

async function takeOver(ctx: Ctx, run: ClaimedRun, withinMs: number): Promise<void> {
  const found =
    run.message_id === null ? undefined : await findRunningAnswer(ctx.sql, run.message_id);
  // Never stored, or deleted with its chat.
  if (!found) return await releaseRun(ctx.sql, run, run.usage ?? undefined);
  const { answer, question } = found;
  if (run.stop_requested) return await end(ctx, run, answer, "stopped");
  if (run.attempt > attemptsMax) return await end(ctx, run, answer, "interrupted");
  const isLocal = isHelp(question.content);
  if (!ctx.model.answer && !isLocal) return await end(ctx, run, answer, "interrupted");

  const room = await findPromptRoom(ctx.sql, undefined, run.chat_id, question.seq);
  if (!room) return await releaseRun(ctx.sql, run, run.usage ?? undefined);
  const kept = answer.content;
  const left = run.reserved_tokens - (run.usage?.total_tokens ?? 0) - answerTokensMin;
  const forHistory = left - estimateTokens(kept, room.token_ratio);
  const { contextTokens } = ctx.config.gemini;
  const prompt = await promptOf(ctx, run.chat_id, room, question, {
    upToSeq: question.seq - 1,
    tokensMax: Math.max(1, contextTokens > 0 ? Math.min(contextTokens, forHistory) : forHistory),
    kept,
  });
  // What is reserved has to do: no limit is passed for a second try.
  if (prompt.estimatedTokens > left && !isLocal) return await end(ctx, run, answer, "interrupted");
  // While this was looked up for longer than a lease, it may have been taken over once more, here too.
  const running = ctx.answers.find(answer.id);
  if (running && running.run.attempt > run.attempt) return;
  ctx.log.info({ messageId: answer.id, attempt: run.attempt }, "an answer goes on here");
  runReply(ctx, {
    answer,
    question,
    place: ctx.answers.resume(),
    run,
    reservedTokens: run.reserved_tokens,
    room,
    prompt,
    kept,
    meter: createMeter(run.usage ?? undefined),
    resumeWithinMs: withinMs,
  });
}

async function end(
  ctx: Ctx,
  run: ClaimedRun,
  answer: Message,
  status: "stopped" | "interrupted",
): Promise<void> {
  const ended = await endAnswer(
    ctx.sql,
    { chatId: run.chat_id, run },
    {
      content: undefined,
      status,
      error:
        status === "stopped" ? undefined : "The server stopped before the answer was complete.",
      sources: undefined,
      usage: undefined,
      charged: run.usage ?? nothingUsed,
      estimatedPromptTokens: undefined,
      firstChunkMs: undefined,
      totalMs: undefined,
    },
  );
  ctx.log.info({ messageId: answer.id, status }, "an answer of a server that is gone has ended");
  if (!ended) return;
  // Who listens here has been shown none of it, or what was not kept.
  const { chat_id: chatId, content, created_at: createdAt, updated_seq: number } = ended.message;
  const shown = { chatId, messageId: answer.id, seq: number - 1, createdAt };
  publishChunk(ctx, shown, content, 0, content);
  publishEnd(ctx, ended);
}
