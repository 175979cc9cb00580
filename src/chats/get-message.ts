import type { Caller } from "../accounts/access-tokens.ts";
import { chatNotFound } from "./actions.ts";
import { isParticipant } from "./participant-queries.ts";
import type { Ctx } from "../context.ts";
import { findMessage } from "../log/messages.ts";
import type { Message } from "../wire/messages.ts";
import { Problem } from "../wire/problems.ts";

/** @throws Problem `not_found` for a chat that the caller is not in, and for a message that does not exist */
export async function getMessage(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  messageId: number,
): Promise<Message> {
  const message = await findMessage(ctx.sql, caller.id, chatId, messageId);
  if (!message) throw await messageNotFound(ctx, caller, chatId);
  return message;
}

/** Problem `not_found` for a message; to somebody who is not in the chat it says only that. */
export async function messageNotFound(ctx: Ctx, caller: Caller, chatId: number): Promise<Problem> {
  if (!(await isParticipant(ctx.sql, caller.id, chatId))) return chatNotFound();
  return new Problem("not_found", "There is no such message in this chat.");
}
