// Uploading a file in parts: an interrupted upload goes on at its last whole part.
import type { Caller } from "../accounts/access-tokens.ts";
import type { Ctx } from "../context.ts";
import {
  partBytesMax,
  type Attachment,
  type BeginUploadInput,
  type Upload,
} from "../wire/attachments.ts";
import { Problem } from "../wire/problems.ts";
import type { Body } from "../http/file-body.ts";
import { refuseMultipart } from "./form-types.ts";
import { finishUpload } from "./finish.ts";
import { deleteAttachment } from "./gallery.ts";
import { harmlessName } from "./file-names.ts";
import {
  deleteUpload,
  findParts,
  findUpload,
  findUploaded,
  insertPart,
  insertUpload,
  type UploadRow,
} from "./part-queries.ts";
import { checkUpload, emptyFile } from "./quota.ts";
import { discard, receive } from "./receive.ts";
import { unfinishedMax } from "./upload-limits.ts";
import { inTurns } from "./upload-turns.ts";
import type { Uploads } from "./uploads.ts";
import { voiceBytesMax, voiceTooLarge } from "./voice/recordings.ts";

/** An upload of the caller. */
export interface UploadIds {
  chatId: number;
  uploadId: string;
}

/** @throws Problem `not_found`, `too_large`, `quota_exceeded`, `too_many_uploads` */
export async function beginUpload(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  { name, size, kind, client_id: clientId = null }: BeginUploadInput,
): Promise<Upload> {
  await checkUpload(ctx, caller.id, chatId, { bytes: size, clientId });
  const isVoice = kind === "voice";
  if (isVoice && size > voiceBytesMax) throw voiceTooLarge();
  const upload = { name: harmlessName(name), size, clientId, isVoice };
  const begun = await insertUpload(ctx.sql, caller.id, chatId, upload);
  if (!begun) {
    throw new Problem(
      "too_many_uploads",
      `You have begun ${unfinishedMax} uploads. Complete or cancel some of them, or wait until they expire.`,
    );
  }
  return shown(begun);
}

/** The state of an upload: a client goes on at its `offset`. @throws Problem `not_found` */
export async function getUpload(ctx: Ctx, caller: Caller, ids: UploadIds): Promise<Upload> {
  return shown(await find(ctx, caller, ids));
}

/**
 * Stores the next part of a file, all of it or nothing.
 * @throws Problem `not_found`, `wrong_offset` for any other part, `too_large`, `unsupported_media_type` for a form, `invalid` for an empty
 * part, `store_full`, `unavailable`
 */
export async function putPart(
  ctx: Ctx,
  uploads: Uploads,
  caller: Caller,
  { chatId, uploadId, start, body }: UploadIds & { start: number; body: Body },
): Promise<Upload> {
  const upload = await find(ctx, caller, { chatId, uploadId });
  if (upload.received !== start) throw wrongOffset(upload.received);
  refuseMultipart(body.contentType);
  if (!body.stream) throw emptyFile();
  const received = await receive(ctx, uploads.turns.read(body.stream), {
    bytesMax: Math.min(partBytesMax, upload.size - start),
    refusal: () =>
      new Problem(
        "too_large",
        `A part may have at most ${partBytesMax} bytes, and the parts together as many as the file.`,
      ),
  });
  let offset: number | undefined;
  try {
    if (received.size === 0) throw emptyFile();
    offset = await insertPart(ctx.sql, uploadId, { start, size: received.size, key: received.key });
  } finally {
    if (offset === undefined) await discard(ctx, [received.key]);
  }
  if (offset !== undefined) return shown({ ...upload, received: offset });
  // Another request has stored a part meanwhile, or the upload was completed.
  throw wrongOffset((await find(ctx, caller, { chatId, uploadId })).received);
}

/**
 * Makes an attachment of an upload whose bytes have all been received. A repeated call returns the same one, also at the same time.
 * @throws Problem `not_found`, `upload_incomplete`, `client_id_reused`, `quota_exceeded`, `store_full`, `unavailable`
 */
export async function completeUpload(
  ctx: Ctx,
  uploads: Uploads,
  caller: Caller,
  ids: UploadIds,
): Promise<Attachment> {
  const upload = await find(ctx, caller, ids);
  if (upload.attachment_id !== null) return await getUploaded(ctx, caller, upload.attachment_id);
  try {
    return await join(ctx, uploads, caller, { ids, upload });
  } catch (error) {
    // Another request may have completed or cancelled the upload meanwhile: its parts are removed then.
    const { attachment_id: attachmentId } = await find(ctx, caller, ids);
    if (attachmentId === null) throw error;
    return await getUploaded(ctx, caller, attachmentId);
  }
}

/**
 * Cancels an upload: nothing is left of it. If it was completed, its file is deleted.
 * @throws Problem `not_found`, `attachment_sent` if a message has the file
 */
export async function cancelUpload(ctx: Ctx, caller: Caller, ids: UploadIds): Promise<void> {
  const { chatId, uploadId } = ids;
  const isCancelled = () => deleteUpload(ctx.sql, caller.id, chatId, uploadId);
  if (await isCancelled()) return;
  const { attachment_id: attachmentId } = await find(ctx, caller, ids);
  if (attachmentId === null) throw uploadNotFound();
  await deleteAttachment(ctx, caller, { chatId, attachmentId });
  await isCancelled();
}

async function getUploaded(ctx: Ctx, caller: Caller, attachmentId: number): Promise<Attachment> {
  const attachment = await findUploaded(ctx.sql, caller.id, attachmentId);
  if (!attachment) throw uploadNotFound();
  return attachment;
}

async function join(
  ctx: Ctx,
  uploads: Uploads,
  caller: Caller,
  { ids, upload }: { ids: UploadIds; upload: UploadRow },
): Promise<Attachment> {
  const { size, received: offset } = upload;
  if (offset < size) {
    throw new Problem(
      "upload_incomplete",
      `${offset} of ${size} bytes have been received. Send the rest first.`,
    );
  }
  const keys = await findParts(ctx.sql, ids.uploadId);
  const received = await receive(ctx, inTurns(joined(ctx, keys)), {
    bytesMax: size,
    refusal: () => new Problem("internal", "The parts of the upload are larger than the file."),
  });
  return await finishUpload(ctx, uploads, caller, received, {
    chatId: ids.chatId,
    name: upload.name,
    clientId: upload.client_id ?? undefined,
    isVoice: upload.kind === "voice",
    uploadId: ids.uploadId,
  });
}

/** The chunks of all parts. A folder gives them without waiting. */
async function* joined(ctx: Ctx, keys: string[]): AsyncGenerator<Uint8Array, void> {
  for (const key of keys) {
    const stream = await ctx.files.read(key);
    if (!stream) {
      throw new Problem("not_found", "A part of the upload is gone. Begin the upload again.");
    }
    yield* stream;
  }
}

async function find(ctx: Ctx, caller: Caller, { chatId, uploadId }: UploadIds): Promise<UploadRow> {
  const upload = await findUpload(ctx.sql, caller.id, chatId, uploadId);
  if (!upload) throw uploadNotFound();
  return upload;
}

function uploadNotFound(): Problem {
  return new Problem("not_found", "There is no such upload: it has expired, or its file is gone.");
}

function wrongOffset(received: number): Problem {
  return new Problem("wrong_offset", `${received} bytes have been received. Go on from there.`);
}

const shown = (upload: UploadRow): Upload => ({
  upload_id: upload.id,
  part_size: partBytesMax,
  offset: upload.received,
  size: upload.size,
  expires_at: upload.expires_at,
});
