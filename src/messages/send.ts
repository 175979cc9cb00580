import type { Caller } from "../accounts/access-tokens.ts";
import { ask, isQuestion } from "../answers/ask.ts";
import { storedTooLate } from "../answers/reservation.ts";
import { chatNotFound } from "../chats/actions.ts";
import type { Ctx } from "../context.ts";
import { activityFrame, messageFrame } from "../wire/message-frames.ts";
import type { Message, SendMessageInput } from "../wire/messages.ts";
import { Problem } from "../wire/problems.ts";
import type { InsertedMessage } from "../log/insert.ts";
import { findMessageByClientId } from "../log/messages.ts";

/**
 * Stores a message, then shows it to everyone who has joined. `/bot …`, and anything in an AI chat, asks the model; its
 * answer runs on in the background. A `client_id` that was used before returns the first message, in its latest state, and does nothing else.
 * @throws Problem `not_found`, `client_id_reused`, `invalid` for `/bot` without a question, `bot_not_configured`,
 * `quota_exceeded`, `unavailable`
 */
export async function sendMessage(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  input: SendMessageInput,
): Promise<Message> {
  if (!(await isQuestion(ctx, caller, chatId, input.content))) {
    const result = await insert(ctx, caller, chatId, input, undefined);
    if (result.outcome !== "must_ask") return publish(ctx, result, input).message;
    ctx.answers.aiChats.remember(chatId, true);
  }
  return await ask(ctx, caller, chatId, input, {
    store: async (runId) => publish(ctx, await insert(ctx, caller, chatId, input, runId), input),
    find: () => findSent(ctx, caller, chatId, input),
  });
}

function insert(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  input: SendMessageInput,
  runId: number | undefined,
): Promise<InsertedMessage> {
  return ctx.insertMessage({
    chatId,
    userId: caller.id,
    username: caller.username,
    content: input.content,
    clientId: input.client_id ?? undefined,
    runId,
  });
}

/** Finds the message that was sent with the input's client id. @throws Problem `client_id_reused` */
async function findSent(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  input: SendMessageInput,
): Promise<Message | undefined> {
  if (input.client_id == null) return undefined;
  const sent = await findMessageByClientId(ctx.sql, caller.id, chatId, input.client_id);
  return sent && publish(ctx, { outcome: "known", ...sent }, input).message;
}

/**
 * Shows a stored message. A retry's frame is published too, because that of the first try may have been lost, and a room
 * takes each number once.
 */
function publish(
  ctx: Ctx,
  result: InsertedMessage,
  input: SendMessageInput,
): { message: Message; answer: Message | undefined } {
  if (result.outcome === "stranger") throw chatNotFound();
  if (result.outcome === "late") throw storedTooLate();
  if (result.outcome === "must_ask") throw new Error("a question was refused as a plain message");
  const { message } = result;
  const sentContent = result.outcome === "known" ? result.sentContent : message.content;
  if (sentContent !== null && sentContent !== input.content) {
    throw new Problem(
      "client_id_reused",
      "This client_id was used for another message in this chat. Make a new one for each message.",
    );
  }
  // The frame has the number of the send: that of a later change belongs to another frame.
  ctx.realtime.toRoom(messageFrame({ ...message, updated_seq: message.seq }), {
    isRepeated: result.outcome === "known",
  });
  if (result.outcome === "sent") ctx.realtime.toList(activityFrame(message));
  return { message, answer: result.outcome === "sent" ? result.answer : undefined };
}
