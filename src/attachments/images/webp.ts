// WebP (RFC 9649), also animated. EXIF, XMP and unknown chunks go, and whatever follows the end. Browsers do not turn a WebP by its
// EXIF.
import { textOf, type BareImage } from "./bare-image.ts";

const kept = new Set(["VP8 ", "VP8L", "VP8X", "ALPH", "ANIM", "ANMF", "ICCP"]);
const headerBytes = 12;
const exifFlag = 0x08;
const xmpFlag = 0x04;
const animationFlag = 0x02;
/** Place, size, duration and flags of a frame, before its chunks. */
const frameHeaderBytes = 16;

/** @returns undefined for bytes whose chunks cannot be followed */
export function bareWebp(bytes: Uint8Array): BareImage | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < headerBytes + 8) return undefined;
  const fileEnd = 8 + view.getUint32(4, true);
  const parts: Uint8Array[] = [];
  let at = headerBytes;
  let size: BareImage["size"];
  let isAnimated = false;
  let still: Uint8Array<ArrayBuffer> | undefined;
  while (at + 8 <= Math.min(bytes.length, fileEnd)) {
    const type = textOf(bytes, at, 4);
    const length = view.getUint32(at + 4, true);
    const end = at + 8 + length + (length % 2);
    // The padding of the last chunk is missing in some files.
    if (at + 8 + length > bytes.length) break;
    let chunk = bytes.subarray(at, end);
    if (type === "VP8X" && length >= 10) {
      chunk = chunk.slice();
      chunk[8] = (chunk[8] ?? 0) & ~(exifFlag | xmpFlag);
      isAnimated = ((chunk[8] ?? 0) & animationFlag) !== 0;
      size = { width: 1 + uint24(bytes, at + 12), height: 1 + uint24(bytes, at + 15) };
    }
    if (type === "ANMF") still ??= frameOf(chunk);
    if (kept.has(type)) parts.push(chunk);
    at = end;
  }
  const isWhole = at >= fileEnd && parts.length > 0;
  const bare = { isWhole, isUpright: true, size, still: isAnimated ? still : undefined };
  return { ...bare, parts: inRiff(parts) };
}

function uint24(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
}

function inRiff(chunks: Uint8Array[]): Uint8Array[] {
  // The last chunk may lack its padding, which the length counts.
  const last = chunks.at(-1);
  if (last && last.length % 2 === 1) chunks.push(new Uint8Array(1));
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 4);
  const header = new Uint8Array(headerBytes);
  header.set(new TextEncoder().encode("RIFF    WEBP"));
  new DataView(header.buffer).setUint32(4, length, true);
  return [header, ...chunks];
}

/** A frame of an animation as an image of its own. It lacks the rest of the canvas where it does not fill it. */
function frameOf(chunk: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const chunks = chunk.subarray(8 + frameHeaderBytes);
  if (chunks.length < 8) return undefined;
  // Only an extended image may have its transparency in a chunk of its own.
  if (textOf(chunks, 0, 4) !== "ALPH") return new Uint8Array(Buffer.concat(inRiff([chunks])));
  const extended = new Uint8Array(18);
  extended.set(new TextEncoder().encode("VP8X"));
  extended[4] = 10;
  extended[8] = 0x10;
  // The width and height of the frame are stored as here, each lower by one.
  extended.set(chunk.subarray(14, 20), 12);
  return new Uint8Array(Buffer.concat(inRiff([extended, chunks])));
}
