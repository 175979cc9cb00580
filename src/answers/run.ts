// One answer's way: the model's pieces go to the room as they come, are kept about once a second, and come to exactly
// one end. It runs in the background, and belongs to the room: nobody's socket ends it.
import { setTimeout as delay } from "node:timers/promises";
import type { Ctx, Place, Reply } from "../context.ts";
import { isDatabaseAway } from "../database/connect.ts";
import { every } from "../schedule.ts";
import { activityFrame, lastStreamFrame, type EndedAnswer } from "../wire/message-frames.ts";
import type { Message, MessageStatus, Source } from "../wire/messages.ts";
import { mergedAnswer, mergedMessage } from "../wire/merged-frames.ts";
import { piecesOf } from "./model-call.ts";
import { releaseRun, type RunKey } from "./budget/queries.ts";
import { createChunks } from "./text/pacer.ts";
import type { BuiltPrompt } from "./prompt/prompt.ts";
import { TextGrowth } from "./text/growth.ts";
import { createContinuation } from "./text/continuation.ts";
import { createMarkFilter, speakerCode } from "./text/speaker-marks.ts";
import type { Meter } from "./budget/meter.ts";
import { EmptyAnswer, ModelError } from "../model/stream-answer.ts";
import type { PromptRoom } from "./prompt/queries.ts";
import { checkpointAnswer, endAnswer, findEndedAnswer } from "./queries.ts";
import { isHelp } from "./question.ts";
import { modelOf } from "./model-settings.ts";
import { foldHistory } from "./prompt/summaries.ts";

const answerLengthMax = 100_000;
const checkpointMs = 1_000;
const endTriesMax = 120;
const endRetryMs = 500;

/** An answer that is to be made, by whoever was admitted or has taken it over. */
export interface Assignment {
  answer: Message;
  question: Message;
  place: Place;
  run: RunKey;
  reservedTokens: number;
  room: PromptRoom;
  prompt: BuiltPrompt;
  /** The text that a server left which has died; "" for a new answer. */
  kept: string;
  meter: Meter;
  /** Milliseconds within which a resumed answer must go on; undefined for a new one. */
  resumeWithinMs: number | undefined;
}

interface End {
  /** `handed_over` and `abandoned` are no end: the answer is somebody else's from now on, or nobody's. */
  status: Exclude<MessageStatus, "streaming"> | "handed_over" | "abandoned";
  error?: string | undefined;
  sources?: Source[] | undefined;
}

/** When what has happened, in milliseconds since the model was asked. */
interface Times {
  askedAt: number;
  firstChunkMs: number | undefined;
}

/** Answers a stored question in the background. Never throws, and never leaves the answer without an end. */
export function runReply(ctx: Ctx, assignment: Assignment): void {
  const { answer, run, kept, place } = assignment;
  const reply: Reply = {
    chatId: answer.chat_id,
    messageId: answer.id,
    seq: answer.seq,
    createdAt: answer.created_at,
    run,
    abort: new AbortController(),
    text: kept,
    ending: false,
    stopReason: undefined,
    done: Promise.resolve(),
  };
  const times: Times = { askedAt: performance.now(), firstChunkMs: undefined };
  ctx.answers.add(reply);
  // Who listens here has been shown none of it, or what was not kept.
  if (run.attempt > 1) publishChunk(ctx, reply, kept, 0, kept);
  reply.done = ctx.telemetry.tracing
    .answer(async () => {
      const end = await stream(ctx, reply, assignment, times);
      await finish(ctx, reply, assignment, end, times);
      count(ctx, assignment, end, times);
      return { chatId: reply.chatId, status: end.status };
    })
    .catch((error: unknown) => {
      ctx.log.error({ err: error, messageId: reply.messageId }, "an answer was left to the sweep");
    })
    .finally(() => {
      ctx.answers.remove(reply);
      place.release();
    });
  if (assignment.prompt.isFull && !isHelp(assignment.question.content)) {
    void reply.done.then(() => foldHistory(ctx, answer.chat_id));
  }
}

function count(ctx: Ctx, assignment: Assignment, { status }: End, times: Times) {
  const { question, room, meter } = assignment;
  ctx.telemetry.metrics.answerEnded({
    status,
    model: isHelp(question.content) ? undefined : modelOf(ctx.config, room.settings),
    firstChunkMs: times.firstChunkMs,
    totalMs: performance.now() - times.askedAt,
    usage: meter.own(),
  });
}

/**
 * @param reply `seq` is the number which the chunk must not overtake
 * @param whole all text so far, if merged sockets are shown it with this chunk
 */
export function publishChunk(
  ctx: Ctx,
  reply: Pick<Reply, "chatId" | "messageId" | "seq" | "createdAt">,
  chunk: string,
  offset: number,
  whole: string | undefined,
) {
  ctx.realtime.toRoom(
    {
      type: "bot_stream",
      chat_id: reply.chatId,
      message_id: reply.messageId,
      chunk,
      is_complete: false,
      offset,
    },
    {
      after: reply.seq,
      message:
        whole === undefined
          ? undefined
          : () => mergedAnswer({ ...reply, id: reply.messageId, text: whole }),
    },
  );
}

async function stream(ctx: Ctx, reply: Reply, assignment: Assignment, times: Times): Promise<End> {
  const growth = new TextGrowth(reply.text.length);
  const chunks = createChunks((chunk) => {
    if (reply.stopReason === "abandoned") return;
    times.firstChunkMs ??= Math.round(performance.now() - times.askedAt);
    const offset = reply.text.length;
    reply.text += chunk;
    publishChunk(
      ctx,
      reply,
      chunk,
      offset,
      growth.isDue(reply.text.length) ? reply.text : undefined,
    );
  });
  const stopCheckpoints = watch(ctx, reply, assignment);
  const { resumeWithinMs } = assignment;
  const deadline =
    resumeWithinMs === undefined
      ? undefined
      : setTimeout(() => {
          if (times.firstChunkMs === undefined) ctx.answers.end(reply, "interrupted");
        }, resumeWithinMs);
  try {
    return await readAnswer(ctx, reply, assignment, chunks.add);
  } catch (error) {
    // Its server died between the last word and the end.
    if (error instanceof EmptyAnswer && assignment.kept !== "") return { status: "complete" };
    const goesOn = resumeWithinMs === undefined || times.firstChunkMs !== undefined;
    return endOfError(ctx, reply, error, goesOn);
  } finally {
    clearTimeout(deadline);
    stopCheckpoints();
    chunks.flush();
  }
}

/** Keeps the text and the lease about once a second, and hears of a stop that was asked for on another node. */
function watch(ctx: Ctx, reply: Reply, { meter, kept }: Assignment): () => void {
  let stored = kept;
  return every(checkpointMs, `checkpoint of ${reply.messageId}`, ctx.log, async () => {
    const { text } = reply;
    const state = await checkpointAnswer(ctx.sql, reply.run, {
      text: text === stored ? undefined : text,
      usage: meter.charged(),
      leaseEnds: false,
    });
    if (!state?.has_message) return ctx.answers.end(reply, "abandoned");
    stored = text;
    if (state.stop_requested) ctx.answers.end(reply, "stopped");
  });
}

async function readAnswer(
  ctx: Ctx,
  reply: Reply,
  assignment: Assignment,
  show: (text: string) => void,
): Promise<End> {
  const { question, kept } = assignment;
  const code = speakerCode(ctx.secretKey, question.chat_id);
  const marks = createMarkFilter(code);
  const continuation = createContinuation(kept);
  let length = kept.length;
  let isWhole = false;
  const add = (text: string) => {
    if (text === "") return;
    length += text.length;
    show(text);
  };
  try {
    for await (const delta of piecesOf(ctx, reply, assignment)) {
      if ("ending" in delta) {
        const { status, detail, sources } = delta.ending;
        isWhole = true;
        return { status, error: detail, sources };
      } else if ("text" in delta) {
        add(continuation.push(marks.push(delta.text)));
        if (length > answerLengthMax) {
          return { status: "truncated", error: "The answer became too long and was cut here." };
        }
      }
    }
  } finally {
    add(continuation.push(marks.end()));
    // Where it breaks off once more, what is held back may be the kept text again, and was shown to nobody.
    if (isWhole) add(continuation.end());
  }
  throw new ModelError("The answer ended without a proper end.");
}

/** @param goesOn false for an answer that was taken over and has not gone on yet */
function endOfError(ctx: Ctx, reply: Reply, error: unknown, goesOn: boolean): End {
  const { stopReason } = reply;
  if (stopReason !== undefined && stopReason !== "interrupted") return { status: stopReason };
  if (!goesOn) {
    return { status: "interrupted", error: "The server was restarted, and the answer broke off." };
  }
  if (error instanceof ModelError) {
    ctx.log.warn({ messageId: reply.messageId, detail: error.detail }, "an answer failed");
    return { status: "failed", error: error.detail };
  }
  ctx.log.error({ err: error, messageId: reply.messageId }, "an answer failed");
  const detail = isDatabaseAway(error)
    ? "The room's history could not be read. Ask again in a moment."
    : "Something went wrong while the answer was made.";
  return { status: "failed", error: detail };
}

/** @throws when the database stays away: the sweep goes on with the answer once it is back */
async function finish(
  ctx: Ctx,
  reply: Reply,
  assignment: Assignment,
  end: End,
  times: Times,
): Promise<void> {
  const { meter } = assignment;
  const { status } = end;
  const charged = meter.charged();
  if (status === "abandoned") return await releaseRun(ctx.sql, reply.run, charged);
  if (status === "handed_over") {
    await checkpointAnswer(ctx.sql, reply.run, {
      text: reply.text,
      usage: charged,
      leaseEnds: true,
    });
    return;
  }
  reply.ending = true;
  const totalMs = Math.round(performance.now() - times.askedAt);
  for (let tries = 1; ; tries += 1) {
    try {
      const stored = await endAnswer(ctx.sql, reply, {
        content: reply.text,
        status,
        error: end.error,
        sources: end.sources,
        usage: meter.told(),
        charged,
        estimatedPromptTokens: meter.counted && meter.estimatedPromptTokens,
        firstChunkMs: times.firstChunkMs,
        totalMs,
      });
      // Before its last frame: who joins after that must not be shown it as running.
      ctx.answers.remove(reply);
      // A try whose reply was lost may have stored it.
      const ended =
        stored ?? (tries > 1 ? await findEndedAnswer(ctx.sql, reply.messageId) : undefined);
      if (ended) publishEnd(ctx, ended);
      return;
    } catch (error) {
      if (!isDatabaseAway(error) || tries === endTriesMax) throw error;
      await delay(endRetryMs);
    }
  }
}

export function publishEnd(ctx: Ctx, ended: EndedAnswer): void {
  const { message } = ended;
  ctx.realtime.toRoom(lastStreamFrame(ended), { message: () => mergedMessage(message) });
  ctx.realtime.toList(activityFrame(message));
}
