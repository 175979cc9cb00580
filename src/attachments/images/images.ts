// Images without metadata, upright, with thumbnails. Decoding runs in Bun's threads.
import { availableParallelism } from "node:os";
import { Semaphore } from "../../accounts/semaphore.ts";
import { thumbnailSizes, type ThumbnailSize } from "../../wire/attachments.ts";
import { Problem } from "../../wire/problems.ts";
import type { BareImage } from "./bare-image.ts";
import { bareGif } from "./gif.ts";
import { bareJpeg } from "./jpeg.ts";
import { barePng } from "./png.ts";
import { bareWebp } from "./webp.ts";

/** An image above it is stored as a file: 24 million pixels of a decoded PNG take 130 MB, which is what a server may spend on one. */
const pixelsMax = 24_000_000;
/** JPEG is decoded in a lower resolution: 50 million pixels take 30 MB, and 180 MB if it is progressive. */
const jpegPixelsMax = 50_000_000;
/** An image above it is not decoded, and stored as a file without its metadata. */
const decodedBytesMax = 32 * 1024 * 1024;
/** An image above it is not read at all, and stored as a file as it is. */
export const imageBytesMax = 64 * 1024 * 1024;
/** Images that wait while another is decoded. Each takes a fraction of a second. */
const waitingMax = 100;
const retryAfterSeconds = 5;
const thumbnailQuality = 80;
const uprightQuality = 92;

export interface PreparedThumbnail {
  size: ThumbnailSize;
  width: number;
  height: number;
  bytes: Uint8Array;
}

export interface PreparedImage {
  /** The file that others may see, in parts; undefined if it is as it was uploaded. */
  parts: Uint8Array[] | undefined;
  /** Undefined for an image that cannot be shown: it is a file. */
  shown:
    | { width: number; height: number; thumbnails: PreparedThumbnail[]; blur: string | undefined }
    | undefined;
}

type Bytes = Uint8Array<ArrayBuffer>;
const readers: Record<string, (bytes: Uint8Array) => BareImage | undefined> = {
  "image/jpeg": bareJpeg,
  "image/png": barePng,
  "image/gif": bareGif,
  "image/webp": bareWebp,
};

export class Images {
  /** Half of the processors at most, so that messages do not wait for pictures, and the memory of a few at most. */
  readonly #semaphore = new Semaphore(
    { runningMax: availableParallelism() >= 4 ? 2 : 1, waitingMax },
    () =>
      new Problem("unavailable", "Too many pictures are being processed. Try again soon.", {
        retryAfterSeconds,
      }),
  );

  /**
   * Reads an image, removes its metadata, turns it upright, and makes thumbnails and a preview. What cannot be decoded, is cut off,
   * or has too many pixels comes back without its metadata, to be stored as a file.
   * @param read reads the file when its turn has come, so that images that wait take no memory
   * @throws Problem `unavailable` when too many wait
   */
  async prepare(mediaType: string, read: () => Promise<Bytes>): Promise<PreparedImage> {
    return await this.#semaphore.run(async () => {
      const bytes = await read();
      const bare = readers[mediaType]?.(bytes);
      if (!bare) return { parts: undefined, shown: undefined };
      const isDecoded = bare.isWhole && bytes.length <= decodedBytesMax;
      const prepared = isDecoded ? await shownImage(mediaType, bytes, bare) : undefined;
      return prepared ?? { parts: changedParts(bytes, bare.parts), shown: undefined };
    });
  }

  /** Whether the metadata of images of this type can be removed. */
  reads(mediaType: string): boolean {
    return Object.hasOwn(readers, mediaType);
  }
}

/** Undefined if nothing has to go. A WebP has a new header, which may say less than before. */
function changedParts(bytes: Bytes, parts: Uint8Array[]): Uint8Array[] | undefined {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const isView = parts.every((part) => part.buffer === bytes.buffer);
  return isView && length === bytes.length ? undefined : parts;
}

/** @returns undefined for an image that cannot be decoded, or has too many pixels */
async function shownImage(
  mediaType: string,
  bytes: Bytes,
  bare: BareImage,
): Promise<PreparedImage | undefined> {
  try {
    return await decodedImage(mediaType, bytes, bare);
  } catch (error) {
    if (!isDecodingError(error)) throw error;
    return undefined;
  }
}

async function decodedImage(
  mediaType: string,
  bytes: Bytes,
  bare: BareImage,
): Promise<PreparedImage | undefined> {
  const maxPixels = mediaType === "image/jpeg" ? jpegPixelsMax : pixelsMax;
  const options = { maxPixels };
  const source = bare.still ?? bytes;
  const stored = await new Bun.Image(source, options).metadata();
  const { width, height } = bare.size ?? stored;
  if (width * height > maxPixels) return undefined;
  const parts = bare.isUpright ? changedParts(bytes, bare.parts) : await turned(source, options);
  const thumbnails = await makeThumbnails(source, options);
  const smallest = thumbnails[0];
  const blur = smallest && (await new Bun.Image(new Uint8Array(smallest.bytes)).placeholder());
  return { parts, shown: { width, height, thumbnails, blur } };
}

/** A JPEG whose pixels are stored as they are shown. */
async function turned(source: Bytes, options: Bun.Image.ConstructorOptions): Promise<Uint8Array[]> {
  const upright = await new Bun.Image(source, options).jpeg({ quality: uprightQuality }).bytes();
  return bareJpeg(upright)?.parts ?? [upright];
}

/** The smaller thumbnails are made of the largest one, which is decoded sooner. */
async function makeThumbnails(
  source: Bytes,
  options: Bun.Image.ConstructorOptions,
): Promise<PreparedThumbnail[]> {
  const thumbnails: PreparedThumbnail[] = [];
  let from = source;
  for (const size of thumbnailSizes.toReversed()) {
    const image = new Bun.Image(from, options)
      .resize(size, size, { fit: "inside", withoutEnlargement: true })
      .webp({ quality: thumbnailQuality });
    from = new Uint8Array(await image.bytes());
    thumbnails.unshift({ size, width: image.width, height: image.height, bytes: from });
  }
  return thumbnails;
}

/** Codes of Bun.Image for images that it does not read. Others, such as those of memory, are the server's. */
function isDecodingError(error: unknown): boolean {
  return error instanceof Error && "code" in error && /^ERR_IMAGE_/.test(String(error.code));
}
