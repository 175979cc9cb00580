import { setTimeout as delay } from "node:timers/promises";
import type { Caller } from "../auth/tokens.ts";
import { chatNotFound } from "../chats/actions.ts";
import { isParticipant } from "../chats/participant-queries.ts";
import type { Ctx } from "../context.ts";
import { isDatabaseAway } from "../database/connect.ts";
import { activityTopic, chatTopic } from "../events/topics.ts";
import { findChatName } from "../chats/queries.ts";
import { findMessage } from "../messages/queries.ts";
import { activityFrame, lastStreamFrame, type EndedAnswer } from "../wire/message-frames.ts";
import { every } from "../schedule.ts";
import type { Message, MessageStatus, Usage } from "../wire/messages.ts";
import { Problem } from "../wire/problems.ts";
import { createChunks } from "./chunks.ts";
import { buildPrompt, pastMessagesMax, promptBytesMax, speakerCode } from "./context.ts";
import { ModelError, type Prompt } from "./model.ts";
import { checkpointAnswer, endAnswer, findAbandonedAnswers, findPastMessages } from "./queries.ts";
import type { Place, Reply } from "./replies.ts";

const answerLengthMax = 100_000;
const checkpointMs = 1_000;
const endTriesMax = 120;
const endRetryMs = 500;
const sweepPageSize = 100;

interface End {
  status: Exclude<MessageStatus, "streaming">;
  usage?: Usage;
  error?: string;
}

/** Answers a stored question in the background. Never throws, and never leaves the answer without an end. */
export function runReply(
  ctx: Ctx,
  { answer, question, place }: { answer: Message; question: Message; place: Place },
): void {
  const reply: Reply = {
    chatId: answer.chat_id,
    messageId: answer.id,
    seq: answer.seq,
    abort: new AbortController(),
    text: "",
    ending: false,
    stopReason: undefined,
    done: Promise.resolve(),
  };
  ctx.replies.add(reply);
  reply.done = stream(ctx, reply, question)
    .then((end) => finish(ctx, reply, end))
    .catch((error: unknown) => {
      ctx.log.error({ err: error, messageId: reply.messageId }, "an answer was left to the sweep");
    })
    .finally(() => {
      ctx.replies.remove(reply);
      place.release();
    });
}

async function stream(ctx: Ctx, reply: Reply, question: Message): Promise<End> {
  const chunks = createChunks((chunk) => {
    const offset = reply.text.length;
    reply.text += chunk;
    ctx.publish(
      chatTopic(reply.chatId),
      {
        type: "bot_stream",
        chat_id: reply.chatId,
        message_id: reply.messageId,
        chunk,
        is_complete: false,
        offset,
      },
      { after: reply.seq },
    );
  });
  const stopCheckpoints = every(checkpointMs, `checkpoint of ${reply.messageId}`, ctx.log, () =>
    checkpoint(ctx, reply),
  );
  try {
    return await readAnswer(ctx, reply, question, chunks.add);
  } catch (error) {
    return endOfError(ctx, reply, error);
  } finally {
    stopCheckpoints();
    chunks.flush();
  }
}

async function readAnswer(
  ctx: Ctx,
  reply: Reply,
  question: Message,
  add: (text: string) => void,
): Promise<End> {
  if (!ctx.model.answer) throw new ModelError("This server has no model to ask.");
  const prompt = await promptFor(ctx, question);
  let length = 0;
  for await (const delta of ctx.model.answer(prompt, reply.abort.signal)) {
    if ("ending" in delta) {
      const { status, detail, usage } = delta.ending;
      return { status, usage, error: detail };
    }
    length += delta.text.length;
    add(delta.text);
    if (length > answerLengthMax) {
      return { status: "truncated", error: "The answer became too long and was cut here." };
    }
  }
  throw new ModelError("The answer ended without a proper end.");
}

async function promptFor(ctx: Ctx, question: Message): Promise<Prompt> {
  const tokensMax = ctx.config.gemini.contextTokens;
  const [chatName, past] = await Promise.all([
    findChatName(ctx.sql, question.chat_id),
    findPastMessages(ctx.sql, question.chat_id, question.seq, {
      limit: pastMessagesMax,
      bytesMax: promptBytesMax(tokensMax),
    }),
  ]);
  return buildPrompt({
    chatName: chatName ?? "",
    code: speakerCode(ctx.secretKey, question.chat_id),
    past,
    tokensMax,
  });
}

function endOfError(ctx: Ctx, reply: Reply, error: unknown): End {
  if (reply.stopReason === "stopped") return { status: "stopped" };
  if (reply.stopReason) {
    return {
      status: "interrupted",
      error: "The server was restarted before the answer was complete.",
    };
  }
  if (error instanceof ModelError) {
    ctx.log.warn({ messageId: reply.messageId, detail: error.detail }, "an answer failed");
    return { status: "failed", error: error.detail };
  }
  ctx.log.error({ err: error, messageId: reply.messageId }, "an answer failed");
  const error_ = isDatabaseAway(error)
    ? "The room's history could not be read. Ask again in a moment."
    : "Something went wrong while the answer was made.";
  return { status: "failed", error: error_ };
}

async function checkpoint(ctx: Ctx, reply: Reply): Promise<void> {
  // Somebody else has ended it, or its chat is gone: what still comes belongs to nobody.
  if (!(await checkpointAnswer(ctx.sql, reply.messageId, reply.text))) ctx.replies.abandon(reply);
}

/** @throws when the database stays away: the sweep ends the answer once it is back */
async function finish(ctx: Ctx, reply: Reply, end: End): Promise<void> {
  if (reply.stopReason === "abandoned") return;
  reply.ending = true;
  for (let tries = 1; ; tries += 1) {
    try {
      const ended = await endAnswer(ctx.sql, reply.messageId, {
        content: reply.text,
        status: end.status,
        usage: end.usage,
        error: end.error,
        onlyIfAbandoned: false,
      });
      // Before its last frame: who joins after that must not be shown it as running.
      ctx.replies.remove(reply);
      if (ended) publishEnd(ctx, ended);
      return;
    } catch (error) {
      if (!isDatabaseAway(error) || tries === endTriesMax) throw error;
      await delay(endRetryMs);
    }
  }
}

function publishEnd(ctx: Ctx, ended: EndedAnswer): void {
  const { message } = ended;
  ctx.publish(chatTopic(message.chat_id), lastStreamFrame(ended));
  ctx.publish(activityTopic(message.chat_id), activityFrame(message));
}

/** Ends a running answer with what it has; any participant may. @throws Problem `not_found`, `answer_ended` */
export async function stopAnswer(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  messageId: number,
): Promise<Message> {
  const message = await findMessage(ctx.sql, caller.id, chatId, messageId);
  if (!message) {
    if (!(await isParticipant(ctx.sql, caller.id, chatId))) throw chatNotFound();
    throw new Problem("not_found", "There is no such message in this chat.");
  }
  if (message.status !== "streaming") throw answerEnded();
  const reply = ctx.replies.find(messageId);
  if (reply) {
    ctx.replies.stop(reply);
    await reply.done;
    return (await findMessage(ctx.sql, caller.id, chatId, messageId)) ?? message;
  }
  // It runs on another node, which notices at its next checkpoint.
  const ended = await endAnswer(ctx.sql, messageId, {
    content: undefined,
    status: "stopped",
    usage: undefined,
    error: undefined,
    onlyIfAbandoned: false,
  });
  if (!ended) throw answerEnded();
  publishEnd(ctx, ended);
  return ended.message;
}

function answerEnded(): Problem {
  return new Problem(
    "answer_ended",
    "This message is no running answer: there is nothing to stop.",
  );
}

/** Ends the answers of servers that died. Called every few seconds. */
export async function sweepAbandonedAnswers(ctx: Ctx): Promise<void> {
  for (const messageId of await findAbandonedAnswers(ctx.sql, sweepPageSize)) {
    // It runs here, and could only not say so while the database was away.
    if (ctx.replies.find(messageId)) continue;
    const ended = await endAnswer(ctx.sql, messageId, {
      content: undefined,
      status: "interrupted",
      usage: undefined,
      error: "The server stopped before the answer was complete.",
      onlyIfAbandoned: true,
    });
    if (ended) publishEnd(ctx, ended);
  }
}
