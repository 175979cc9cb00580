// JPEG (ITU-T T.81, annex B). Stays: what decoding needs, the colour profile (APP2 "ICC_PROFILE"), JFIF, and Adobe's colour transform.
// Goes: EXIF, XMP, IPTC, comments, and whatever follows the end, such as the previews and videos that phones append.
import { textOf, type BareImage } from "./bare-image.ts";
import { orientationOf } from "./exif.ts";

/** @returns undefined for bytes whose segments cannot be followed */
export function bareJpeg(bytes: Uint8Array): BareImage | undefined {
  const parts: Uint8Array[] = [bytes.subarray(0, 2)];
  let isUpright = true;
  let at = 2;
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1] ?? 0;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (marker === 0xd9) break;
    const length = 2 + (((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0));
    if (length < 4 || marker === 0 || isAlone(marker)) return undefined;
    const end = at + length;
    if (end > bytes.length) return { parts, isWhole: false, isUpright, size: undefined };
    if (marker === 0xe1 && textOf(bytes, at + 4, 6) === "Exif\0\0") {
      isUpright = orientationOf(bytes.subarray(at + 10, end)) === 1;
    }
    if (isKept(bytes, at, marker)) parts.push(bytes.subarray(at, end));
    at = end;
    if (marker !== 0xda) continue;
    // The entropy-coded data of a scan ends at the next marker. A zero and restart markers behind 0xff belong to it.
    const scanEnd = endOfScan(bytes, at);
    parts.push(bytes.subarray(at, scanEnd));
    at = scanEnd;
  }
  const isWhole = bytes[at] === 0xff && bytes[at + 1] === 0xd9;
  if (isWhole) parts.push(bytes.subarray(at, at + 2));
  return { parts, isWhole, isUpright, size: undefined };
}

const isAlone = (marker: number) => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);

function isKept(bytes: Uint8Array, at: number, marker: number): boolean {
  if (marker === 0xfe) return false;
  if (marker < 0xe0 || marker > 0xef) return true;
  const start = textOf(bytes, at + 4, 11);
  if (marker === 0xe0) return start.startsWith("JFIF\0");
  if (marker === 0xe2) return start === "ICC_PROFILE";
  return marker === 0xee && start.startsWith("Adobe");
}

function endOfScan(bytes: Uint8Array, from: number): number {
  let at = from;
  for (;;) {
    at = bytes.indexOf(0xff, at);
    if (at < 0 || at + 1 >= bytes.length) return bytes.length;
    const next = bytes[at + 1] ?? 0;
    if (next !== 0 && !(next >= 0xd0 && next <= 0xd7) && next !== 0xff) return at;
    at += next === 0xff ? 1 : 2;
  }
}
