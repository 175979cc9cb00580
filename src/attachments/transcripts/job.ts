// Transcribes voice messages in the background. Any server does it: each voice message is leased, and one whose server was killed is
// taken by another.
import type { Ctx } from "../../context.ts";
import type { StreamAnswer } from "../../model/stream-answer.ts";
import { FilesRefused } from "../../model/stream-answer.ts";
import { updatedFrame } from "../../wire/message-frames.ts";
import {
  dropDueTranscriptions,
  dropTranscription,
  postponeTranscription,
  storeTranscript,
  takeTranscriptions,
  type Transcription,
} from "./queries.ts";
import { modelTimeoutMs, transcribe } from "./transcribe.ts";

/** Voice messages that a server transcribes at once. */
const atOnce = 2;
/** Rounds of one call at most. */
const roundsMax = 20;
const attemptsMax = 6;
/** Longer than reading the file and all tries to ask the model take. */
const leaseSeconds = modelTimeoutMs / 1_000 + 30;
/** Before the second try; four times as long before each further one, an hour in all. */
const backoffSeconds = 10;
/** Tokens come back at the end of the day. */
const overBudgetSeconds = 4 * 60 * 60;
const dropMax = 1_000;

/** Transcribes what is due, a bounded part of it. A server calls it about once a second. */
export async function continueTranscriptions(ctx: Ctx): Promise<void> {
  const ask = ctx.model.isDemonstration ? undefined : ctx.model.answer;
  if (!ask) {
    await dropDueTranscriptions(ctx.sql, dropMax);
    return;
  }
  for (let round = 0; round < roundsMax && !ctx.lifecycle.closing; round += 1) {
    const taken = await takeTranscriptions(ctx.sql, { limit: atOnce, leaseSeconds });
    await Promise.all(taken.map((task) => runOne(ctx, ask, task)));
    if (taken.length < atOnce) return;
  }
}

async function runOne(ctx: Ctx, ask: StreamAnswer, task: Transcription): Promise<void> {
  const { metrics } = ctx.telemetry;
  try {
    const result = await transcribe(ctx, ask, task);
    metrics.transcriptionEnded(result.outcome);
    if (result.outcome === "transcribed") await show(ctx, task, result.text);
    else if (result.outcome === "over_budget") await retry(ctx, task, overBudgetSeconds);
    else await dropTranscription(ctx.sql, task);
  } catch (error) {
    metrics.transcriptionEnded("failed");
    const { attachment_id: attachmentId, attempts } = task;
    ctx.log.warn({ err: error, attachmentId, attempts }, "a voice message was not transcribed");
    // The model cannot read the recording, whoever asks.
    if (error instanceof FilesRefused) await dropTranscription(ctx.sql, task);
    else await retry(ctx, task, backoffSeconds * 4 ** (attempts - 1));
  }
}

async function show(ctx: Ctx, task: Transcription, text: string): Promise<void> {
  const message = await storeTranscript(ctx.sql, task, text);
  if (message) ctx.realtime.toRoom(updatedFrame(message));
}

async function retry(ctx: Ctx, task: Transcription, afterSeconds: number): Promise<void> {
  if (task.attempts >= attemptsMax) await dropTranscription(ctx.sql, task);
  else await postponeTranscription(ctx.sql, task, afterSeconds);
}
