import type { Caller } from "../accounts/access-tokens.ts";
import { isSessionLive } from "../accounts/queries.ts";
import { getChat } from "../chats/actions.ts";
import type { Ctx } from "../context.ts";
import { findMessages } from "../log/page-queries.ts";
import type { Chat } from "../wire/chats.ts";
import type { ExportFormat } from "../wire/export.ts";
import { formats } from "./formats.ts";

const pageSize = 200;

/** The parts of a chat's export, each made when it is asked for. */
export interface ChatExport {
  chat: Chat;
  mediaType: string;
  parts: AsyncGenerator<string, void>;
}

/** Begins the export of a chat. @throws Problem `not_found` */
export async function exportChat(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  format: ExportFormat,
): Promise<ChatExport> {
  const chat = await getChat(ctx, caller, chatId);
  return {
    chat,
    mediaType: formats[format].mediaType,
    parts: chatParts(ctx, caller, chat, format),
  };
}

/**
 * Yields the messages up to the chat's number at the beginning, a page at a time. Between two pages no connection of the database is in
 * use, and each page finds out again whether the caller may read the chat. Messages that change meanwhile are in their latest state.
 */
async function* chatParts(
  ctx: Ctx,
  caller: Caller,
  chat: Chat,
  format: ExportFormat,
): AsyncGenerator<string, void> {
  const { head, message, tail } = formats[format];
  yield head(chat, ctx.now().toISOString());
  let after = 0;
  let count = 0;
  for (;;) {
    const isSignedIn = await isSessionLive(ctx.sql, caller);
    const page = isSignedIn
      ? await findMessages(ctx.sql, caller.id, chat.id, {
          after,
          before: chat.last_seq + 1,
          fromOldest: true,
          limit: pageSize,
        })
      : undefined;
    if (!page) return yield tail("not_permitted", count);
    count += page.length;
    after = page.at(-1)?.seq ?? after;
    if (page.length > 0) yield page.map(message).join("");
    if (page.length < pageSize) return yield tail("complete", count);
  }
}
