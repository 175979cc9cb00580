// Transcribes voice messages in the background, as jobs. A trigger stores one for each voice message that is sent.
import { z } from "zod";
import type { Ctx } from "../../context.ts";
import { JobLater, type JobRun } from "../../jobs/jobs.ts";
import { FilesRefused } from "../../model/stream-answer.ts";
import { updatedFrame } from "../../wire/message-frames.ts";
import { findRecording, storeTranscript } from "./queries.ts";
import { modelTimeoutMs, transcribe, type Transcribed } from "./transcribe.ts";

/** Voice messages that a server transcribes at once, and those among them of one person. */
const concurrency = 2;
const perLane = 1;
/** The limit of a job, which is longer than reading the file and asking the model take. */
const timeoutMs = modelTimeoutMs + 30_000;
const retryMs: readonly number[] = [10_000, 40_000, 160_000, 640_000, 2_560_000];
/** Tokens come back at the end of the day. */
const overBudgetMs = 4 * 60 * 60_000;

const Payload = z.object({
  attachment_id: z.int(),
  chat_id: z.int(),
  message_id: z.int(),
});
export type TranscriptJob = z.infer<typeof Payload>;

/** Registers the jobs at the queue of this server. To be called once, before the queue is started. */
export function handleTranscripts(ctx: Ctx): void {
  ctx.jobs.handle({
    name: "transcript",
    payload: Payload,
    concurrency,
    perLane,
    timeoutMs,
    retryMs,
    run: (job, run) => transcribeOne(ctx, job, run),
  });
}

/** @throws JobLater while there are no tokens for it, and another error when the model cannot be reached, or breaks off */
async function transcribeOne(ctx: Ctx, job: TranscriptJob, run: JobRun): Promise<void> {
  const ask = ctx.model.isDemonstration ? undefined : ctx.model.answer;
  const recording = ask && (await findRecording(ctx.sql, job));
  if (!recording) return;
  const { metrics } = ctx.telemetry;
  let result: Transcribed;
  try {
    result = await transcribe(ctx, ask, recording, run.signal);
  } catch (error) {
    metrics.transcriptionEnded("failed");
    if (!(error instanceof FilesRefused)) throw error;
    // The model cannot read the recording, whoever asks.
    ctx.log.warn(
      { err: error, attachmentId: job.attachment_id },
      "a voice message was not transcribed",
    );
    return;
  }
  metrics.transcriptionEnded(result.outcome);
  if (result.outcome === "over_budget") {
    throw new JobLater("there are no tokens left for a transcript", overBudgetMs);
  }
  if (result.outcome !== "transcribed") return;
  const message = await storeTranscript(ctx.sql, job, run, result.text);
  if (message) ctx.realtime.toRoom(updatedFrame(message));
}
