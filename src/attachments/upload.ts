// Uploading a file in one request.
import type { Caller } from "../accounts/access-tokens.ts";
import type { Ctx } from "../context.ts";
import type { Attachment } from "../wire/attachments.ts";
import { Problem } from "../wire/problems.ts";
import type { Body } from "../http/file-body.ts";
import { finishUpload } from "./finish.ts";
import { isFormType, refuseForms } from "./form-types.ts";
import { boundaryOf, findFile } from "./multipart.ts";
import { checkUpload, emptyFile, tooLarge } from "./quota.ts";
import { receive, type Received } from "./receive.ts";
import type { Uploads } from "./uploads.ts";
import { voiceBytesMax, voiceTooLarge } from "./voice/recordings.ts";

/** Bytes of a form around its file. */
const formBytesMax = 96 * 1024;

/**
 * Stores the body of a request, or the file of a form, as a file that the caller can send in a message.
 * @throws Problem `not_found`, `too_large`, `unsupported_media_type`, `invalid` for an empty file, `client_id_reused`,
 * `quota_exceeded`, `too_many_uploads`, `bad_request` for a body that ends early, `store_full`, `unavailable`
 */
export async function upload(
  ctx: Ctx,
  uploads: Uploads,
  caller: Caller,
  {
    chatId,
    name,
    clientId,
    isVoice = false,
    body,
  }: {
    chatId: number;
    name?: string | undefined;
    clientId?: string | undefined;
    isVoice?: boolean;
    body: Body;
  },
): Promise<Attachment> {
  const isForm = isFormType(body.contentType);
  // The size of a file in a form is only known when it has arrived.
  const known = Math.max(0, (body.length ?? 0) - (isForm ? formBytesMax : 0));
  await checkUpload(ctx, caller.id, chatId, { bytes: known, clientId: clientId ?? null });
  const { bytesMax } = ctx.config.files;
  const limits =
    isVoice && voiceBytesMax < bytesMax
      ? { bytesMax: voiceBytesMax, refusal: voiceTooLarge }
      : { bytesMax, refusal: () => tooLarge(ctx) };
  const { received, givenName } = await receiveBody(ctx, uploads, body, limits);
  const file = { chatId, name: name ?? givenName ?? "file", clientId, isVoice };
  return await finishUpload(ctx, uploads, caller, received, file);
}

/**
 * Writes a body, or the file of a form, to the store.
 * @throws Problem as {@link receive}, `unsupported_media_type` for a form without a file, `invalid` without a body, and `bad_request`
 */
export async function receiveBody(
  ctx: Ctx,
  uploads: Uploads,
  body: Body,
  limits: { bytesMax: number; refusal: () => Problem },
): Promise<{ received: Received; givenName: string | undefined }> {
  if (!body.stream) throw emptyFile();
  if (!isFormType(body.contentType)) {
    refuseForms(body.contentType);
    const received = await receive(ctx, uploads.turns.read(body.stream), limits);
    return { received, givenName: undefined };
  }
  const boundary = boundaryOf(body.contentType);
  if (boundary === undefined) {
    throw new Problem("unsupported_media_type", "The Content-Type of a form needs its boundary.");
  }
  const chunks = uploads.turns.read(body.stream);
  try {
    const part = await findFile(chunks, boundary);
    return { received: await receive(ctx, part.chunks, limits), givenName: part.name };
  } finally {
    await chunks.return();
  }
}
