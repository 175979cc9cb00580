// The second half of an upload: the file is in the store, and becomes an attachment.
import type { Caller } from "../accounts/access-tokens.ts";
import { chatNotFound } from "../chats/actions.ts";
import type { Ctx } from "../context.ts";
import { databaseError } from "../database/connect.ts";
import { readWhole } from "../file-store/file-store.ts";
import type { Attachment } from "../wire/attachments.ts";
import { Problem } from "../wire/problems.ts";
import { harmlessName } from "./file-names.ts";
import { imageBytesMax, type Images, type PreparedImage } from "./images/images.ts";
import { binaryType, findType, type FoundType } from "./media-types.ts";
import { insertAttachment, type InsertedAttachment, type NewFile } from "./insert-queries.ts";
import { findStoredFile } from "./queries.ts";
import { movieSeconds } from "./movie-seconds.ts";
import { countedBytesMax, countPages } from "./pdf-pages.ts";
import { emptyFile, quotaExceeded } from "./quota.ts";
import { discard, newKey, type Received } from "./receive.ts";
import { notePending } from "./removal-queries.ts";
import { scan } from "./scan/scan.ts";
import { pendingSeconds } from "./upload-limits.ts";
import type { Uploads } from "./uploads.ts";
import { voiceBytesMax, voiceTooLarge } from "./voice/recordings.ts";

const pieceBytes = 1024 * 1024;

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
      : await prepare(ctx, uploads.images, received, written);
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
    case "late":
    case "no_file":
      throw new Problem("unavailable", "The upload took too long. Upload the file again.", {
        retryAfterSeconds: 1,
      });
  }
}

/** @throws Problem `invalid` for what is no recording, or too long */
async function prepareVoice(
  ctx: Ctx,
  { recordings }: Uploads,
  received: Received,
): Promise<NewFile> {
  if (received.size > voiceBytesMax) throw voiceTooLarge();
  const { mediaType: found } = await findType(received.head);
  const { mediaType, durationMs, waveform } = await recordings.read(found, () =>
    readStored(ctx, received),
  );
  return {
    ...wholeFile(received, { mediaType, kind: "file" }),
    kind: "voice",
    durationMs,
    waveform,
    units: Math.ceil(durationMs / 1_000),
  };
}

async function readStored(ctx: Ctx, { key }: Received): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readWhole(ctx.files, key);
  if (!bytes) throw new Error("a file that was just written is missing");
  return bytes;
}

/**
 * Finds out the type of a file. Of an image the metadata is removed, and thumbnails are made.
 * @param written the names of files that are written are added to it
 */
export async function prepare(
  ctx: Ctx,
  images: Images,
  received: Received,
  written: string[],
): Promise<NewFile> {
  const type = await findType(received.head);
  if (!images.reads(type.mediaType)) {
    return { ...wholeFile(received, type), units: (await unitsOf(ctx, received, type)) ?? null };
  }
  if (received.size > imageBytesMax) {
    return wholeFile(received, { mediaType: binaryType, kind: "file" });
  }
  const image = await images.prepare(type.mediaType, () => readStored(ctx, received));
  return await writeImage(ctx, image, received, { type, written });
}

/** The pages of a PDF, or the seconds of a movie, as far as they can be found out. */
async function unitsOf(
  ctx: Ctx,
  received: Received,
  { mediaType }: FoundType,
): Promise<number | undefined> {
  const { key, size } = received;
  if (mediaType === "application/pdf" && size <= countedBytesMax) {
    return await countPages(Buffer.from((await readStored(ctx, received)).buffer));
  }
  if (!/^(video|audio)\/(mp4|quicktime)$/.test(mediaType)) return undefined;
  return await movieSeconds(size, async (range) => {
    const stream = await ctx.files.read(key, range);
    return Buffer.from(stream ? await new Response(stream).arrayBuffer() : new ArrayBuffer());
  });
}

const wholeFile = ({ key, size, sha256 }: Received, type: FoundType): NewFile => ({
  key,
  size,
  sha256,
  ...type,
  width: null,
  height: null,
  thumbnails: [],
  blur: null,
  durationMs: null,
  waveform: null,
  units: null,
});

async function writeImage(
  ctx: Ctx,
  { parts, shown }: PreparedImage,
  received: Received,
  { type, written }: { type: FoundType; written: string[] },
): Promise<NewFile> {
  const thumbnails = (shown?.thumbnails ?? []).map((thumbnail) => ({
    ...thumbnail,
    key: newKey(),
  }));
  const bareKey = parts ? newKey() : received.key;
  const files = thumbnails.map(({ key, bytes }) => ({ key, parts: [bytes] }));
  if (parts) files.push({ key: bareKey, parts });
  const keys = files.map(({ key }) => key);
  if (keys.length > 0) await notePending(ctx.sql, keys, pendingSeconds);
  written.push(...keys);
  const hashes = await Promise.all(
    files.map(async (file) => {
      const hasher = new Bun.CryptoHasher("sha256");
      await ctx.files.write(file.key, chunksOf(file.parts, hasher));
      return hasher.digest();
    }),
  );
  const file = wholeFile(received, { ...type, kind: shown ? "image" : "file" });
  return {
    ...file,
    ...(parts && { sha256: hashes.at(-1) ?? received.sha256, size: lengthOf(parts) }),
    key: bareKey,
    width: shown?.width ?? null,
    height: shown?.height ?? null,
    thumbnails: thumbnails.map(({ bytes, ...thumbnail }) => ({
      ...thumbnail,
      length: bytes.length,
    })),
    blur: shown?.blur ?? null,
  };
}

const lengthOf = (parts: Uint8Array[]) => parts.reduce((sum, part) => sum + part.length, 0);

/** Pieces that are hashed one by one, so that a large picture does not hold the event loop. */
async function* chunksOf(
  parts: Uint8Array[],
  hasher: Bun.CryptoHasher,
): AsyncGenerator<Uint8Array, void> {
  for (const part of parts) {
    for (let at = 0; at < part.length; at += pieceBytes) {
      const piece = part.subarray(at, at + pieceBytes);
      hasher.update(piece);
      yield piece;
    }
  }
}
