import type { Caller } from "../accounts/access-tokens.ts";
import { beginAnswer } from "../answers/actions.ts";
import { admit, type Admission } from "../answers/admission.ts";
import { asksBot, questionOf } from "../answers/question.ts";
import { chatNotFound } from "../chats/actions.ts";
import type { Ctx } from "../context.ts";
import { activityFrame, messageFrame } from "../wire/message-frames.ts";
import type { Message, SendMessageInput } from "../wire/messages.ts";
import { Problem } from "../wire/problems.ts";
import type { InsertedMessage, NewMessage } from "../log/insert.ts";
import { findMessageByClientId } from "../log/messages.ts";

/**
 * Stores a message, then shows it to everyone who has joined. `/bot …`, and anything in an AI chat, asks the model; its
 * answer runs on in the background. A `client_id` that was used before returns the first message and does nothing else.
 * @throws Problem `not_found`, `client_id_reused`, `invalid` for `/bot` without a question, `bot_not_configured`,
 * `quota_exceeded`, `unavailable`
 */
export async function sendMessage(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  input: SendMessageInput,
): Promise<Message> {
  if (asksBot(input.content)) return await ask(ctx, caller, chatId, input);
  const result = await ctx.insertMessage(newMessage(caller, chatId, input, undefined));
  if (result.outcome === "must_ask") return await ask(ctx, caller, chatId, input);
  return settled(ctx, result, input).message;
}

/** Tries of one question at the same time go one after the other: each would reserve tokens for it. */
async function ask(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  input: SendMessageInput,
): Promise<Message> {
  if (questionOf(input.content) === "") {
    const detail = "Write your question after /bot.";
    throw new Problem("invalid", detail, { errors: [{ pointer: "/content", detail }] });
  }
  if (input.client_id == null) return await askOnce(ctx, caller, chatId, input);
  const key = `${chatId} ${caller.id} ${input.client_id}`;
  const before = ctx.answers.inFlight.get(key);
  const asked = before
    ? before.catch(() => undefined).then(() => askAgain(ctx, caller, chatId, input))
    : askOnce(ctx, caller, chatId, input);
  ctx.answers.inFlight.set(key, asked);
  try {
    return await asked;
  } finally {
    if (ctx.answers.inFlight.get(key) === asked) ctx.answers.inFlight.delete(key);
  }
}

/** After another try has ended: if that has stored the question, there is nothing left to do. */
async function askAgain(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  input: SendMessageInput,
): Promise<Message> {
  return (
    (await findAsked(ctx, caller, chatId, input)) ?? (await askOnce(ctx, caller, chatId, input))
  );
}

/** The question that is known under the input's client id. @throws Problem `client_id_reused` */
async function findAsked(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  input: SendMessageInput,
): Promise<Message | undefined> {
  if (input.client_id == null) return undefined;
  const message = await findMessageByClientId(ctx.sql, caller.id, chatId, input.client_id);
  return message && settled(ctx, { outcome: "known", message }, input).message;
}

async function askOnce(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  input: SendMessageInput,
): Promise<Message> {
  let admission: Admission;
  try {
    admission = await admit(ctx, caller, chatId, { ...input, username: caller.username });
  } catch (error) {
    // A retry needs no admission: its answer has had one.
    const message = await findAsked(ctx, caller, chatId, input);
    if (!message) throw error;
    return message;
  }
  try {
    const result = await ctx.insertMessage(newMessage(caller, chatId, input, admission.run.id));
    const { message, answer } = settled(ctx, result, input);
    if (answer) beginAnswer(ctx, { question: message, answer, admission });
    else await admission.release();
    return message;
  } catch (error) {
    await admission.release(error);
    throw error;
  }
}

function newMessage(
  caller: Caller,
  chatId: number,
  input: SendMessageInput,
  runId: number | undefined,
): NewMessage {
  return {
    chatId,
    userId: caller.id,
    username: caller.username,
    content: input.content,
    clientId: input.client_id ?? undefined,
    runId,
  };
}

/** Shows a stored message. A retry's frame too: its first try's may have been lost, and a room takes a number once. */
function settled(
  ctx: Ctx,
  result: InsertedMessage,
  input: SendMessageInput,
): { message: Message; answer: Message | undefined } {
  if (result.outcome === "stranger") throw chatNotFound();
  if (result.outcome === "must_ask") throw new Error("a question was refused as no question");
  const { message } = result;
  if (message.content !== input.content) {
    throw new Problem(
      "client_id_reused",
      "This client_id was used for another message in this chat. Make a new one for each message.",
    );
  }
  ctx.realtime.toRoom(messageFrame(message), { isRepeated: result.outcome === "known" });
  if (result.outcome === "sent") ctx.realtime.toList(activityFrame(message));
  return { message, answer: result.outcome === "sent" ? result.answer : undefined };
}
