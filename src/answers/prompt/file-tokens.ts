// The types of files that Gemini reads, and the tokens that it counts for them: https://ai.google.dev/gemini-api/docs/tokens and
// https://ai.google.dev/gemini-api/docs/media-resolution. Gemini 2.5 and Gemini 3 count differently: the larger count is the most.
import type { PromptFile } from "./prompt-file.ts";

/** Images are cut into squares of this many pixels; one of at most 384 pixels a side is one square. */
const tilePixels = 768;
const smallPixels = 384;
const tokensPerTile = 258;
/** An image of Gemini 3, whatever its size. */
const imageTokens = 1_120;
/** Squares of an image whose size is not known: of 50 million pixels. */
const unknownTiles = 88;
const pageTokens = { estimated: 258, most: 560 };
const audioSecondTokens = 32;
const videoSecondTokens = { estimated: 295, most: 300 };
/** Bytes of a page or second where their number is not known: many for the estimate, few for the most. */
const pdfPageBytes = { estimated: 50_000, most: 1_000 };
const audioSecondBytes = { estimated: 8_000, most: 2_000 };
const videoSecondBytes = { estimated: 200_000, most: 20_000 };
const textTokenBytes = 3;

const mebibyte = 1024 * 1024;
/** Google's limits of a PDF. */
const pdfBytesMax = 50 * mebibyte;
const pdfPagesMax = 1_000;
/** Google's limit of a file is 2 GiB, but its bytes are held in memory while they are sent. */
const bytesMax = 100 * mebibyte;
/** A model reads about a million tokens, and a file must leave room for the conversation. */
const tokensMax = 900_000;

const images = ["image/jpeg", "image/png", "image/webp", "image/heic", "image/heif"];
const audio = ["wav", "mpeg", "mp3", "aiff", "aac", "ogg", "flac", "mp4", "webm", "vnd.wave"];
const video = ["mp4", "mpeg", "quicktime", "x-msvideo", "x-flv", "webm", "x-ms-wmv", "3gpp"];
/** Texts that Gemini takes as plain text. */
const texts = ["application/json", "application/xml", "application/rtf", "image/svg+xml"];

/** A file as the model reads it, or why it cannot. */
export type Readable =
  | {
      /** The type under which it is sent. */
      mediaType: string;
      /** A still picture of it is sent instead of the file. */
      isPreview: boolean;
      tokens: { estimated: number; most: number };
    }
  | { reason: string };

/** Tells how the model reads a file, and what that costs. */
export function readableOf(file: PromptFile): Readable {
  const { media_type: type, size } = file;
  if (size > bytesMax) return { reason: "it is too large" };
  if (type === "application/pdf") return pdf(file);
  const read = mediaOf(file);
  if (!read) return { reason: "files of this type cannot be read" };
  const { estimated, most } = read.tokens;
  if (most > tokensMax && estimated > tokensMax / 2) return { reason: "it is too long" };
  return { ...read, tokens: { estimated, most: Math.min(most, tokensMax) } };
}

function pdf({ size, units }: PromptFile): Readable {
  if (size > pdfBytesMax) return { reason: "it is larger than 50 MB" };
  if ((units ?? 0) > pdfPagesMax) return { reason: "it has more than 1,000 pages" };
  const pages = (bytes: number) => units ?? Math.min(pdfPagesMax, Math.ceil(size / bytes));
  const tokens = {
    estimated: Math.max(1, pages(pdfPageBytes.estimated)) * pageTokens.estimated,
    most: Math.max(1, pages(pdfPageBytes.most)) * pageTokens.most,
  };
  return { mediaType: "application/pdf", isPreview: false, tokens };
}

function mediaOf(file: PromptFile): Exclude<Readable, { reason: string }> | undefined {
  const { media_type: type, size } = file;
  const [family, subtype = ""] = type.split("/");
  const seconds = (bytes: number) => Math.max(1, file.units ?? Math.ceil(size / bytes));
  // The model does not read GIFs, and sees an animation as its still picture.
  if (type === "image/gif" && file.has_preview) {
    return { mediaType: "image/webp", isPreview: true, tokens: imageTokensOf(1_024, 1_024) };
  }
  if (images.includes(type)) {
    return { mediaType: type, isPreview: false, tokens: imageTokensOf(file.width, file.height) };
  }
  if (family === "audio" && audio.includes(subtype)) {
    const tokens = {
      estimated: seconds(audioSecondBytes.estimated) * audioSecondTokens,
      most: seconds(audioSecondBytes.most) * audioSecondTokens,
    };
    return { mediaType: type, isPreview: false, tokens };
  }
  if (family === "video" && video.includes(subtype)) {
    const tokens = {
      estimated: seconds(videoSecondBytes.estimated) * videoSecondTokens.estimated,
      most: seconds(videoSecondBytes.most) * videoSecondTokens.most,
    };
    return { mediaType: type, isPreview: false, tokens };
  }
  if (family === "text" || texts.includes(type)) {
    const tokens = { estimated: Math.ceil(size / textTokenBytes), most: size };
    return { mediaType: "text/plain", isPreview: false, tokens };
  }
  return undefined;
}

function imageTokensOf(width: number | null, height: number | null) {
  const tiles = tilesOf(width, height);
  return {
    estimated: tiles * tokensPerTile,
    most: Math.max(imageTokens, tiles * tokensPerTile),
  };
}

function tilesOf(width: number | null, height: number | null): number {
  if (width === null || height === null) return unknownTiles;
  if (width <= smallPixels && height <= smallPixels) return 1;
  return Math.ceil(width / tilePixels) * Math.ceil(height / tilePixels);
}
