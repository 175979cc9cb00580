import type { Caller } from "../accounts/access-tokens.ts";
import { chatNotFound } from "../chats/actions.ts";
import type { Ctx } from "../context.ts";
import type { Gallery, GalleryQuery } from "../wire/attachments.ts";
import { Problem } from "../wire/problems.ts";
import { attachmentNotFound } from "./not-found.ts";
import { deleteUnsentAttachment, findGallery } from "./queries.ts";

/** A page of the files of a chat's messages, newest messages first. @throws Problem `not_found` */
export async function listAttachments(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  { kind, limit, cursor: before }: GalleryQuery,
): Promise<Gallery> {
  const found = await findGallery(ctx.sql, caller.id, chatId, { kind, before, limit: limit + 1 });
  if (!found) throw chatNotFound();
  const page = found.slice(0, limit);
  const last = found.length > limit ? page.at(-1) : undefined;
  return {
    items: page.map(({ place: _, ...item }) => item),
    next_cursor: last ? `${last.message_id}.${last.place}` : null,
  };
}

/** Deletes a file that the caller has not sent. @throws Problem `not_found`, `attachment_sent` */
export async function deleteAttachment(
  ctx: Ctx,
  caller: Caller,
  { chatId, attachmentId }: { chatId: number; attachmentId: number },
): Promise<void> {
  const found = await deleteUnsentAttachment(ctx.sql, caller.id, chatId, attachmentId);
  if (!found) throw await attachmentNotFound(ctx, caller.id, chatId);
  if (found.is_sent) {
    throw new Problem(
      "attachment_sent",
      "The file was sent. It is deleted together with its message.",
    );
  }
}
