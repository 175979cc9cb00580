// Images without metadata, upright, with thumbnails. Decoding runs in Bun's threads.
import { pictureSizes } from "../../wire/pictures.ts";
import { thumbnailSizes, type ThumbnailSize } from "../../wire/attachments.ts";
import type { BareImage } from "./bare-image.ts";
import { bareGif } from "./gif.ts";
import { bareHeif } from "./heif.ts";
import { bareJpeg } from "./jpeg.ts";
import { barePng } from "./png.ts";
import { middleSquare } from "./square.ts";
import { bareTiff } from "./tiff.ts";
import { bareWebp } from "./webp.ts";

/** An image above it is stored as a file. */
const pixelsMax = 24_000_000;
/** JPEG is decoded in a lower resolution: 50 million pixels take 30 MB. */
const jpegPixelsMax = 50_000_000;
/**
 * Bytes of the file, of which the decoder has a copy, and of what it holds beside the pixels. The process needs 60 MB for all else, and
 * may take 200 MB. It is enough for a progressive JPEG of 36 million pixels with colours in half the resolution.
 */
const heldBytesMax = 120_000_000;
/** Bytes of each pixel while an image is decoded. A WebP without loss has two copies, and a JPEG is decoded in a lower resolution. */
const pixelBytes: Record<string, number> = { "image/jpeg": 0, "image/webp": 8 };
const defaultPixelBytes = 4;
/** Bytes of each pixel while a JPEG is turned: before it and after it. */
const turnedPixelBytes = 8;
/** An image above it is not decoded, and stored as a file without its metadata. */
const decodedBytesMax = 32 * 1024 * 1024;
const thumbnailQuality = 80;
const uprightQuality = 92;
const pictureQuality = 85;
/** The middle of an image that is longer in relation to its width would show nothing of it. */
const longestRatio = 16;

export interface Thumbnail {
  size: ThumbnailSize;
  width: number;
  height: number;
}

export interface PreparedImage {
  /** The file that others may see, in parts; undefined if it is as it was uploaded. */
  parts: Uint8Array[] | undefined;
  /** Undefined for an image that cannot be shown: it is a file. */
  shown:
    | {
        width: number;
        height: number;
        thumbnails: (Thumbnail & { bytes: Uint8Array })[];
        blur: string | undefined;
      }
    | undefined;
}

type Bytes = Uint8Array<ArrayBuffer>;
const readers: Record<string, (bytes: Uint8Array) => BareImage | undefined> = {
  "image/jpeg": bareJpeg,
  "image/png": barePng,
  "image/gif": bareGif,
  "image/webp": bareWebp,
  "image/heic": bareHeif,
  "image/heif": bareHeif,
  "image/heic-sequence": bareHeif,
  "image/heif-sequence": bareHeif,
  "image/avif": bareHeif,
  "image/tiff": bareTiff,
};

/** Whether the metadata of images of this type can be removed. */
export const readsImages = (mediaType: string) => Object.hasOwn(readers, mediaType);

/**
 * Removes the metadata of an image, turns it upright, and makes thumbnails and a preview. What cannot be decoded, is cut off, or has too
 * many pixels comes back without its metadata, to be stored as a file.
 */
export async function prepareImage(mediaType: string, bytes: Bytes): Promise<PreparedImage> {
  const bare = readers[mediaType]?.(bytes);
  if (!bare) return { parts: undefined, shown: undefined };
  const isDecoded = canDecode(bytes, bare);
  const prepared = isDecoded ? await shownImage(mediaType, bytes, bare) : undefined;
  return prepared ?? { parts: changedParts(bytes, bare.parts), shown: undefined };
}

/**
 * The middle of an image as squares of the {@link pictureSizes}, as WebP, upright and without metadata. Smaller images are enlarged.
 * @returns undefined for an image that cannot be decoded, is cut off, has too many pixels, or is too long and thin
 */
export async function makeSquares(
  mediaType: string,
  bytes: Bytes,
): Promise<Uint8Array[] | undefined> {
  const bare = readers[mediaType]?.(bytes);
  if (!bare || !canDecode(bytes, bare)) return undefined;
  try {
    return await squaresOf(mediaType, bare.still ?? bytes);
  } catch (error) {
    if (!isDecodingError(error)) throw error;
    return undefined;
  }
}

function canDecode({ length }: Bytes, { isWhole, heldBytes = 0 }: BareImage): boolean {
  return isWhole && length <= decodedBytesMax && 2 * length + heldBytes <= heldBytesMax;
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
  const maxPixels = maxPixelsOf(mediaType);
  const options = { maxPixels };
  const source = bare.still ?? bytes;
  const stored = await new Bun.Image(source, options).metadata();
  const { width, height } = bare.size ?? stored;
  // The first image of an animation may be larger than its canvas.
  const pixels = Math.max(width * height, stored.width * stored.height);
  if (pixels > maxPixels || !hasRoom(mediaType, pixels, bytes)) return undefined;
  const isTurned = !bare.isUpright && canTurn(bytes, bare, pixels);
  const parts = isTurned ? await turned(source, options) : changedParts(bytes, bare.parts);
  const thumbnails = await makeThumbnails(source, options);
  const smallest = thumbnails[0];
  const blur = smallest && (await new Bun.Image(new Uint8Array(smallest.bytes)).placeholder());
  return { parts, shown: { width, height, thumbnails, blur } };
}

async function squaresOf(mediaType: string, source: Bytes): Promise<Uint8Array[] | undefined> {
  const options = { maxPixels: maxPixelsOf(mediaType) };
  const { width, height } = await new Bun.Image(source, options).metadata();
  const side = pictureSizes[1];
  const scale = side / Math.min(width, height);
  if (Math.max(width, height) > longestRatio * Math.min(width, height)) return undefined;
  if (!hasRoom(mediaType, width * height, source)) return undefined;
  const shrunk = await new Bun.Image(source, options)
    .resize(Math.round(width * scale), Math.round(height * scale))
    .png({ compressionLevel: 1 })
    .bytes();
  const square = await middleSquare(shrunk, side);
  const large = await new Bun.Image(square).webp({ quality: pictureQuality }).bytes();
  const [size] = pictureSizes;
  const small = new Bun.Image(square).resize(size, size).webp({ quality: pictureQuality });
  return [await small.bytes(), large];
}

/** Whether a JPEG can be turned in the memory of the process. */
function canTurn({ length }: Bytes, { heldBytes = 0 }: BareImage, pixels: number): boolean {
  return 2 * length + heldBytes + pixels * turnedPixelBytes <= heldBytesMax;
}

/** Whether an image can be decoded in the memory of the process. */
function hasRoom(mediaType: string, pixels: number, { length }: Bytes): boolean {
  return 2 * length + pixels * (pixelBytes[mediaType] ?? defaultPixelBytes) <= heldBytesMax;
}

const maxPixelsOf = (mediaType: string) => (mediaType === "image/jpeg" ? jpegPixelsMax : pixelsMax);

/** A JPEG whose pixels are stored as they are shown. */
async function turned(source: Bytes, options: Bun.Image.ConstructorOptions): Promise<Uint8Array[]> {
  const upright = await new Bun.Image(source, options).jpeg({ quality: uprightQuality }).bytes();
  return bareJpeg(upright)?.parts ?? [upright];
}

/** The smaller thumbnails are made of the largest one, which is decoded sooner. */
async function makeThumbnails(
  source: Bytes,
  options: Bun.Image.ConstructorOptions,
): Promise<(Thumbnail & { bytes: Uint8Array })[]> {
  const thumbnails: (Thumbnail & { bytes: Uint8Array })[] = [];
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
