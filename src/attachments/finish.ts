// The second half of an upload: the file is in the store, and becomes an attachment.
import type { Caller } from "../accounts/access-tokens.ts";
import { chatNotFound } from "../chats/actions.ts";
import type { Ctx } from "../context.ts";
import { databaseError } from "../database/connect.ts";
import type { Attachment } from "../wire/attachments.ts";
import { Problem } from "../wire/problems.ts";
import { harmlessName } from "./file-names.ts";
import { insertAttachment, type InsertedAttachment, type NewFile } from "./insert-queries.ts";
import { prepare, prepareVoice } from "./prepare.ts";
import { findStoredFile } from "./queries.ts";
import { emptyFile, quotaExceeded } from "./quota.ts";
import { discard, type Received } from "./receive.ts";
import { scan } from "./scan/scan.ts";
import type { Uploads } from "./uploads.ts";

export interface UploadedFile {
  chatId: number;
  name: string;
  clientId: string | undefined;
  isVoice: boolean;
  uploadId?: string;
}

/**
 * Makes an attachment of bytes that were received. Those that the chat has already are not stored again.
 * @throws Problem `invalid` for an empty file, `not_found`, `client_id_reused`, `quota_exceeded`, `store_full`, `unavailable`
 */
export async function finishUpload(
  ctx: Ctx,
  uploads: Uploads,
  caller: Caller,
  received: Received,
  uploaded: UploadedFile,
): Promise<Attachment> {
  const written = [received.key];
  try {
    if (received.size === 0) throw emptyFile();
    const known = await findStoredFile(ctx.sql, uploaded.chatId, received.sha256, uploaded.isVoice);
    const outcome = known
      ? await store(ctx, caller, received, uploaded, undefined)
      : { outcome: "no_file" as const };
    if (outcome.outcome !== "no_file") return attachmentOf(ctx, outcome);
    await scan(ctx, uploads, caller, received, `chat:${uploaded.chatId}`);
    const file = uploaded.isVoice
      ? await prepareVoice(ctx, uploads, received)
      : await prepare(ctx, uploads, received, written);
    const inserted = await store(ctx, caller, received, uploaded, file);
    if ("is_new" in inserted && inserted.is_new) {
      const keys = new Set([file.key, ...file.thumbnails.map(({ key }) => key)]);
      written.splice(0, written.length, ...written.filter((key) => !keys.has(key)));
    }
    return attachmentOf(ctx, inserted);
  } finally {
    if (written.length > 0) await discard(ctx, written);
  }
}

async function store(
  ctx: Ctx,
  caller: Caller,
  received: Received,
  { chatId, name, clientId, isVoice, uploadId }: UploadedFile,
  file: NewFile | undefined,
): Promise<InsertedAttachment> {
  const insert = () =>
    insertAttachment(ctx.sql, {
      chatId,
      uploader: caller,
      name: harmlessName(name),
      clientId,
      isVoice,
      uploadedSha256: received.sha256,
      uploadedBytes: received.size,
      limits: { user: ctx.config.files.userDayBytes, chat: ctx.config.files.chatDayBytes },
      file,
      uploadId,
    });
  const inserted = await insert().catch((error: unknown) => {
    if (databaseError(error)?.constraint !== "attachments_client_id_key") throw error;
    // The first upload with the client id has been stored meanwhile: a second try finds it.
    return insert();
  });
  if (!inserted) throw chatNotFound();
  return inserted;
}

function attachmentOf(ctx: Ctx, { outcome, attachment }: InsertedAttachment): Attachment {
  switch (outcome) {
    case "stored":
    case "known":
      if (!attachment) throw new Error("a stored attachment was not returned");
      return attachment;
    case "other":
      throw new Problem(
        "client_id_reused",
        "This client_id was used for another file in this chat. Make a new one for each file.",
      );
    case "user_quota":
    case "chat_quota":
      throw quotaExceeded(ctx, outcome);
    case "upload_ended":
    case "late":
    case "no_file":
      throw new Problem("unavailable", "The upload took too long. Upload the file again.", {
        retryAfterSeconds: 1,
      });
  }
}
