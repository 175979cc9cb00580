import type { Caller } from "../accounts/access-tokens.ts";
import { messageNotFound } from "../chats/get-message.ts";
import type { Ctx } from "../context.ts";
import type { MessageVersion } from "../wire/messages.ts";
import { findVersions } from "./version-queries.ts";

/** Lists the texts that a message has had, oldest first; none of a deleted message. @throws Problem `not_found` */
export async function listVersions(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  messageId: number,
): Promise<MessageVersion[]> {
  const versions = await findVersions(ctx.sql, caller.id, chatId, messageId);
  if (!versions) throw await messageNotFound(ctx, caller, chatId);
  return versions;
}
