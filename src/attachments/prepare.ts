// Finds out what a received file is, and writes what others see of it.
import type { Ctx } from "../context.ts";
import { readWhole } from "../file-store/file-store.ts";
import type { ImageAnswer, ImageSource } from "./images/image-process.ts";
import { readsImages } from "./images/decode.ts";
import { imageBytesMax } from "./images/images.ts";
import type { NewFile } from "./insert-queries.ts";
import { binaryType, findType, type FoundType } from "./media-types.ts";
import { countedBytesMax, countPages } from "./pdf-pages.ts";
import { newKey, type Received } from "./receive.ts";
import { soundMs } from "./sound-duration.ts";
import { notePending } from "./removal-queries.ts";
import { pendingSeconds } from "./upload-limits.ts";
import { inTurns } from "./upload-turns.ts";
import type { Uploads } from "./uploads.ts";
import { voiceBytesMax, voiceTooLarge } from "./voice/recordings.ts";

/** @throws Problem `invalid` for what is no recording, or too long */
export async function prepareVoice(
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
    waveform: waveform ?? null,
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
 * @throws Problem `unavailable` when too many images wait, `invalid` for an image that cannot be processed, `store_full`
 */
export async function prepare(
  ctx: Ctx,
  { images }: Uploads,
  received: Received,
  written: string[],
): Promise<NewFile> {
  const type = await findType(received.head);
  if (!readsImages(type.mediaType)) {
    return { ...wholeFile(received, type), ...(await lengthOf(ctx, received, type)) };
  }
  if (received.size > imageBytesMax) {
    return wholeFile(received, { mediaType: binaryType, kind: "file" });
  }
  return await images.prepare(type.mediaType, imageSource(ctx, received), (image) =>
    writeImage(ctx, image, received, { type, written }),
  );
}

/** The way of a file that was just written to the process for images. */
export function imageSource(ctx: Ctx, { key, size }: Received): ImageSource {
  return {
    size,
    async read() {
      const stream = await ctx.files.read(key);
      if (!stream) throw new Error("a file that was just written is missing");
      return stream;
    },
  };
}

/** The pages of a PDF, or the duration of a sound or a movie, as far as they can be found out. */
async function lengthOf(
  ctx: Ctx,
  received: Received,
  { mediaType }: FoundType,
): Promise<Partial<NewFile>> {
  const { key, size } = received;
  if (mediaType === "application/pdf" && size <= countedBytesMax) {
    const pages = await countPages(Buffer.from((await readStored(ctx, received)).buffer));
    return { units: pages ?? null };
  }
  const ms = await soundMs(mediaType, size, async (range) => {
    const stream = await ctx.files.read(key, range);
    return Buffer.from(stream ? await new Response(stream).arrayBuffer() : new ArrayBuffer());
  });
  return { durationMs: ms ?? null };
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
  { reply: { shown }, files, bare }: ImageAnswer,
  received: Received,
  { type, written }: { type: FoundType; written: string[] },
): Promise<NewFile> {
  const thumbnails = (shown?.thumbnails ?? []).map((thumbnail) => ({
    ...thumbnail,
    key: newKey(),
  }));
  const bareKey = bare ? newKey() : received.key;
  const keys = thumbnails.map(({ key }) => key);
  if (bare) keys.push(bareKey);
  if (keys.length > 0) await notePending(ctx.sql, keys, pendingSeconds);
  written.push(...keys);
  const whole = bare ? await writeBare(ctx, bareKey, bare) : received;
  await Promise.all(
    thumbnails.map(({ key }, n) => ctx.files.write(key, one(files[n] ?? new Uint8Array()))),
  );
  return {
    ...wholeFile({ ...received, ...whole }, { ...type, kind: shown ? "image" : "file" }),
    key: bareKey,
    width: shown?.width ?? null,
    height: shown?.height ?? null,
    thumbnails,
    blur: shown?.blur ?? null,
  };
}

/** Writes an image as it comes from its process, so that no image is held in memory here. */
/** @param chunks they come faster than messages may wait for their hash and their write */
async function writeBare(ctx: Ctx, key: string, chunks: AsyncIterable<Uint8Array>) {
  const hasher = new Bun.CryptoHasher("sha256");
  let size = 0;
  async function* observed() {
    for await (const chunk of inTurns(chunks)) {
      hasher.update(chunk);
      size += chunk.length;
      yield chunk;
    }
  }
  await ctx.files.write(key, observed());
  return { size, sha256: hasher.digest() };
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield bytes;
}
