import type { Caller } from "../accounts/access-tokens.ts";
import { ask, isQuestion } from "../answers/ask.ts";
import { storedTooLate } from "../answers/reservation.ts";
import { chatNotFound } from "../chats/actions.ts";
import type { Ctx } from "../context.ts";
import { activityFrame, messageFrame } from "../wire/message-frames.ts";
import type { Message, SendMessageInput } from "../wire/messages.ts";
import { Problem } from "../wire/problems.ts";
import { isParticipant } from "../chats/participant-queries.ts";
import type { InsertedMessage, NewMessage } from "../log/insert.ts";
import { findMessage, findMessageByClientId, type SentMessage } from "../log/messages.ts";
import { mentionsOf, tellMentioned, type Mentions } from "./mentions.ts";

/** The members of a message that other rows have to be read for. */
type Related = Pick<NewMessage, "replyTo" | "mentions">;

/** The people who are not told that a message mentions them. */
type QuietIds = Mentions["quietIds"];

/**
 * Stores a message, then shows it to everyone who has joined. `/bot …`, `@Gemini` anywhere, and anything in an AI chat asks the
 * model; its answer runs on in the background. What a bot writes asks nobody. A `client_id` that was used before returns the first message, in its latest
 * state, and does nothing else.
 * @throws Problem `not_found`, `client_id_reused`, `invalid` for `/bot` or `@Gemini` without a question, for a `reply_to`
 * that the chat has no message for and for files that the caller may not send, `bot_not_configured`, `quota_exceeded`, `rate_limited`, `unavailable`
 */
export async function sendMessage(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  input: SendMessageInput,
): Promise<Message> {
  let related: Related;
  let quietIds: QuietIds;
  try {
    ({ quietIds, ...related } = await readRelated(ctx, caller, chatId, input));
  } catch (error) {
    // A retry needs none of it: the first try was stored with what was found then.
    const message = await findSent(ctx, caller, chatId, input);
    if (!message) throw error;
    return message;
  }
  const isBot = caller.grant?.isBot ?? false;
  const insert = async (runId: number | undefined): Promise<InsertedMessage> => {
    const result = await ctx.grouped.insertMessage({
      chatId,
      userId: caller.id,
      username: caller.username,
      content: input.content,
      clientId: input.client_id ?? undefined,
      runId,
      asksNothing: isBot,
      attachmentIds: input.attachment_ids ?? [],
      ...related,
    });
    if (result.outcome !== "no_files" || input.client_id == null) return result;
    // Another server may have stored the message with its files while this one's statement waited for the chat.
    const sent = await findMessageByClientId(ctx.sql, caller.id, chatId, input.client_id);
    return sent ? { outcome: "known", ...sent } : result;
  };
  if (isBot || !(await isQuestion(ctx, caller, chatId, input.content))) {
    const result = await insert(undefined);
    if (result.outcome !== "must_ask") return publish(ctx, result, input, quietIds).message;
    ctx.answers.aiChats.remember(chatId, true);
  }
  return await ask(ctx, caller, chatId, input, {
    store: async (runId) => publish(ctx, await insert(runId), input, quietIds),
    find: () => findSent(ctx, caller, chatId, input),
  });
}

/**
 * Finds what a message replies to and whom it mentions. Messages without either ask nothing of the database.
 * @throws Problem `not_found`, `invalid`, `rate_limited`
 */
async function readRelated(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  { content, reply_to: replyTo }: SendMessageInput,
): Promise<Related & { quietIds: QuietIds }> {
  if (replyTo != null) await checkReplyTo(ctx, caller, chatId, replyTo);
  const { userIds, quietIds } = await mentionsOf(ctx, caller, chatId, content);
  return { replyTo: replyTo ?? undefined, mentions: userIds, quietIds };
}

/** @throws Problem `not_found` for a chat that the caller is not in, `invalid` for a message that is not in it or was deleted */
async function checkReplyTo(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  replyTo: number,
): Promise<void> {
  let message = await findMessage(ctx.sql, caller.id, chatId, replyTo);
  if (!message) {
    if (!(await isParticipant(ctx.sql, caller.id, chatId))) throw chatNotFound();
    // The caller may have been invited after the first reading.
    message = await findMessage(ctx.sql, caller.id, chatId, replyTo);
  }
  if (message && message.deleted_at === null) return;
  const detail = "The message that you reply to is not in this chat, or was deleted.";
  throw new Problem("invalid", detail, { errors: [{ pointer: "/reply_to", detail }] });
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

function filesNotFree(): Problem {
  const detail =
    "A file of the message is gone, was sent before, or was not uploaded to this chat by you. Upload it again.";
  return new Problem("invalid", detail, { errors: [{ pointer: "/attachment_ids", detail }] });
}

/** Whether a message that has the client id of another one differs from it. A deleted one can only be compared by its reply. */
function isOther({ message, sentContent }: SentMessage, input: SendMessageInput): boolean {
  if (message.reply_to !== (input.reply_to ?? null)) return true;
  if (sentContent === null) return false;
  const files = message.attachments.map(({ id }) => id).join(" ");
  return sentContent !== input.content || files !== (input.attachment_ids ?? []).join(" ");
}

/**
 * Shows a stored message. A retry's frame is published too, because that of the first try may have been lost, and a room
 * takes each number once.
 */
export function publish(
  ctx: Ctx,
  result: InsertedMessage,
  input: SendMessageInput,
  quietIds: QuietIds = new Set(),
): { message: Message; answer: Message | undefined } {
  if (result.outcome === "stranger") throw chatNotFound();
  if (result.outcome === "late") throw storedTooLate();
  if (result.outcome === "no_files") throw filesNotFree();
  if (result.outcome === "must_ask") throw new Error("a question was refused as a plain message");
  const { message } = result;
  if (result.outcome === "known" && isOther(result, input)) {
    throw new Problem(
      "client_id_reused",
      "This client_id was used for another message in this chat. Make a new one for each message.",
    );
  }
  // The frame has the number of the send: that of a later change belongs to another frame, and so does each reaction.
  const sent = result.outcome === "known" ? { ...message, reactions: [] } : message;
  ctx.realtime.toRoom(messageFrame(sent, message.seq), {
    isRepeated: result.outcome === "known",
    members: result.outcome === "sent" ? result.members : undefined,
  });
  if (result.outcome === "sent") {
    const { members } = result;
    ctx.realtime.toList(activityFrame(message), { seq: message.seq, members });
    tellMentioned(ctx, message, { userIds: message.mentions, quietIds }, message.seq);
  }
  return { message, answer: result.outcome === "sent" ? result.answer : undefined };
}
