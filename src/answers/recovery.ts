// Recovery of answers whose server is gone: another server takes them over under the lease, and goes on from the text
// that was kept.
import type { Ctx } from "../context.ts";
import type { Message } from "../wire/messages.ts";
import { claimAbandonedRuns, type ClaimedRun } from "./budget/abandoned-runs.ts";
import { releaseRun } from "./budget/queries.ts";
import { AnswerCall } from "./answer-call.ts";
import { noUsage } from "./budget/usage-meter.ts";
import { chooseResponder } from "./choose-responder.ts";
import { findPromptRoom } from "./prompt/queries.ts";
import { publishChunk, publishEnd } from "./publish.ts";
import { checkpointAnswer, endAnswer, findStreamingAnswer } from "./queries.ts";
import { RunningAnswer } from "./running-answer.ts";

const runsPerCall = 100;
/** A question that takes servers down with it must not do so for ever. */
const attemptsMax = 5;
/** After a kill, with the silence before, this stays below the 15 s in which an answer goes on or ends. */
const resumeWithinMs = 8_000;

/**
 * Takes over the answers of servers that died, or that went down and handed them over. Called about twice a second.
 * @param withinMs an answer that has not gone on by then ends
 */
export async function recoverAnswers(ctx: Ctx, withinMs = resumeWithinMs): Promise<void> {
  if (ctx.lifecycle.closing) return;
  const ownIds = [...ctx.answers.storing, ...ctx.answers.runIds()];
  for (const run of await claimAbandonedRuns(ctx.sql, ownIds, runsPerCall)) {
    // A run that can't be taken over must not keep the others waiting; it is claimed again when its lease has run out.
    await takeOver(ctx, run, withinMs).catch((error: unknown) => {
      ctx.log.error({ err: error, messageId: run.message_id }, "an answer could not be taken over");
    });
  }
}

async function takeOver(ctx: Ctx, run: ClaimedRun, withinMs: number): Promise<void> {
  const { id, attempt, reserved_tokens: reservedTokens } = run;
  const usage = run.usage ?? undefined;
  const found =
    run.message_id === null ? undefined : await findStreamingAnswer(ctx.sql, run.message_id);
  // The answer was never stored, or was deleted with its chat.
  if (!found) return await releaseRun(ctx.sql, run, usage);
  const { answer, question } = found;
  if (run.stop_requested) return await end(ctx, run, answer, "stopped");
  // Its answer goes on only where the question is still in memory.
  if (question.deleted_at !== null) return await end(ctx, run, answer, "interrupted");
  if (attempt > attemptsMax) return await end(ctx, run, answer, "interrupted");

  const room = await findPromptRoom(ctx.sql, run.chat_id, question.seq);
  if (!room) return await releaseRun(ctx.sql, run, usage);
  const responder = chooseResponder(ctx, room, question.content);
  if (!responder?.isResumed) return await end(ctx, run, answer, "interrupted");
  const tokensLeft = reservedTokens - (usage?.total_tokens ?? 0);
  const prepared = await responder.prepare({
    question,
    upToSeq: question.seq - 1,
    keptText: answer.content,
    tokensLeft,
  });
  if (prepared.tokensMin > tokensLeft) return await end(ctx, run, answer, "interrupted");
  // If this took longer than a lease, the run may have been taken over once more or have ended: its last frame was shown then.
  const state = await checkpointAnswer(ctx.sql, run, {
    text: undefined,
    usage: usage ?? noUsage,
    leaseEnds: false,
  });
  if (!state) return;
  if (!state.has_message) return await releaseRun(ctx.sql, run, usage);
  if (state.stop_requested) return await end(ctx, run, answer, "stopped");
  ctx.log.info({ messageId: answer.id, attempt }, "an answer goes on here");
  RunningAnswer.start(ctx, {
    answer,
    question,
    call: new AnswerCall(prepared, {
      lease: { id, attempt },
      reservedTokens,
      keptText: answer.content,
      usageBefore: usage,
    }),
    releaseSlot: ctx.answers.takeSlotOfResumed(),
    resumed: { withinMs },
  });
}

async function end(
  ctx: Ctx,
  run: ClaimedRun,
  answer: Message,
  status: "stopped" | "interrupted",
): Promise<void> {
  const error =
    status === "stopped" ? undefined : "The server stopped before the answer was complete.";
  const ended = await endAnswer(
    ctx.sql,
    { chatId: run.chat_id, lease: run },
    { status, error },
    { charged: run.usage ?? noUsage },
  );
  ctx.log.info({ messageId: answer.id, status }, "an answer of a server that is gone has ended");
  if (!ended) return;
  // It may still run here, its lease lost while this server stood still.
  ctx.answers.noteEnded(answer.id);
  // The listeners of this node were shown nothing of the answer, or text that was not kept.
  const { chat_id: chatId, content, created_at: createdAt, updated_seq: number } = ended.message;
  const shown = { chatId, messageId: answer.id, seq: number - 1, createdAt, lease: run };
  // The room may have read the end from the log while the reply was on its way.
  if ((ctx.realtime.rooms.position(chatId) ?? 0) < number) {
    publishChunk(ctx, shown, { chunk: content, offset: 0 });
  }
  publishEnd(ctx, ended);
}
