// PNG (W3C, third edition), also animated. Chunks that show the image stay; texts, times, EXIF and unknown chunks go, and whatever
// follows the end.
import { textOf, type BareImage } from "./bare-image.ts";

const kept = new Set(
  (
    "IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP cICP sBIT bKGD pHYs hIST sPLT mDCV cLLI " +
    "acTL fcTL fdAT"
  ).split(" "),
);
const signatureBytes = 8;
/** The bytes of the length, the type and the checksum of a chunk. */
const frameBytes = 12;

/** From a chunk on that cannot be followed, the rest stays as it is. */
export function barePng(bytes: Uint8Array): BareImage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [bytes.subarray(0, signatureBytes)];
  let at = signatureBytes;
  let isWhole = false;
  while (!isWhole && at + frameBytes <= bytes.length) {
    const type = textOf(bytes, at + 4, 4);
    const end = at + frameBytes + view.getUint32(at);
    if (!/^[A-Za-z]{4}$/.test(type)) {
      parts.push(bytes.subarray(at));
      break;
    }
    if (end > bytes.length) break;
    if (kept.has(type)) parts.push(bytes.subarray(at, end));
    isWhole = type === "IEND";
    at = end;
  }
  return { parts, isWhole, isUpright: true, size: undefined };
}
