import type { Caller } from "../accounts/access-tokens.ts";
import { chatNotFound } from "../chats/actions.ts";
import { isParticipant } from "../chats/participant-queries.ts";
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
  if (message) return message;
  if (!(await isParticipant(ctx.sql, caller.id, chatId))) throw chatNotFound();
  throw new Problem("not_found", "There is no such message in this chat.");
}
