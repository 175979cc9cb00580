import { chatNotFound } from "../chats/actions.ts";
import { isParticipant } from "../chats/participant-queries.ts";
import type { Ctx } from "../context.ts";
import { Problem } from "../wire/problems.ts";

/** Problem `not_found` for a file; to somebody who is not in the chat it says only that. */
export async function attachmentNotFound(
  ctx: Ctx,
  userId: number,
  chatId: number,
): Promise<Problem> {
  if (!(await isParticipant(ctx.sql, userId, chatId))) return chatNotFound();
  return new Problem("not_found", "There is no such file in this chat.");
}
