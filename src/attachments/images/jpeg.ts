// JPEG (ITU-T T.81, annex B). Stays: what decoding needs, the colour profile (APP2 "ICC_PROFILE"), JFIF, and Adobe's colour transform.
// Goes: EXIF but for the orientation, XMP, IPTC, comments, bytes between segments, which decoders skip, and whatever follows the end, such as
// the previews and videos that phones append.
import { textOf, type BareImage } from "./bare-image.ts";
import { orientationOf, orientationSegment } from "./exif.ts";

/** @returns undefined for bytes in which there is neither an image nor metadata */
export function bareJpeg(bytes: Uint8Array): BareImage | undefined {
  const parts: Uint8Array[] = [bytes.subarray(0, 2)];
  let isUpright = true;
  let heldBytes: number | undefined;
  let frame: Frame | undefined;
  let hasScan = false;
  let hasMetadata = false;
  let at = 2;
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== 0xff) {
      const next = bytes.indexOf(0xff, at);
      at = next < 0 ? bytes.length : next;
      continue;
    }
    const marker = bytes[at + 1] ?? 0;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (marker === 0xd9) break;
    const length = 2 + (((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0));
    if (length < 4 || marker === 0 || isAlone(marker)) {
      at += 2;
      continue;
    }
    // The last segment of a file that was cut off ends with it.
    const end = Math.min(at + length, bytes.length);
    if (marker === 0xe1 && textOf(bytes, at + 4, 6) === "Exif\0\0") {
      const orientation = orientationOf(bytes.subarray(at + 10, end));
      // Without it, an image that is too large to be turned would be shown on its side.
      if (orientation !== 1 && isUpright) parts.push(orientationSegment(orientation));
      if (orientation !== 1) isUpright = false;
    }
    if (isFrame(marker)) frame = frameOf(marker, bytes.subarray(at + 4, end));
    if (marker === 0xda) heldBytes ??= heldBytesOf(frame, bytes[at + 4]);
    if (isKept(bytes, at, marker)) parts.push(bytes.subarray(at, end));
    else hasMetadata = true;
    at = end;
    if (marker !== 0xda) continue;
    hasScan = true;
    // The entropy-coded data of a scan ends at the next marker. A zero and restart markers behind 0xff belong to it.
    const scanEnd = endOfScan(bytes, at);
    parts.push(bytes.subarray(at, scanEnd));
    at = scanEnd;
  }
  if (!hasScan && !hasMetadata) return undefined;
  const isWhole = hasScan && bytes[at] === 0xff && bytes[at + 1] === 0xd9;
  if (isWhole) parts.push(bytes.subarray(at, at + 2));
  return { parts, isWhole, isUpright, size: undefined, heldBytes: heldBytes ?? 0 };
}

interface Frame {
  isProgressive: boolean;
  components: number;
  /** Coefficients of all components: as many as there are samples. */
  coefficients: number;
}

/** The markers of frames, without those of tables that are numbered among them. */
const isFrame = (marker: number) =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

function frameOf(marker: number, segment: Uint8Array): Frame {
  const height = ((segment[1] ?? 0) << 8) | (segment[2] ?? 0);
  const width = ((segment[3] ?? 0) << 8) | (segment[4] ?? 0);
  const components = segment[5] ?? 0;
  const samples = Array.from({ length: components }, (_, n) => segment[7 + n * 3] ?? 0);
  const across = Math.max(1, ...samples.map((sample) => sample >> 4));
  const down = Math.max(1, ...samples.map((sample) => sample & 15));
  const perPixel = samples.reduce((sum, sample) => sum + (sample >> 4) * (sample & 15), 0);
  return {
    isProgressive: (marker & 3) === 2,
    components,
    coefficients: (width * height * perPixel) / (across * down),
  };
}

/** The coefficients of an image are held until its last scan, of two bytes each, unless its first scan is the only one. */
function heldBytesOf(frame: Frame | undefined, scanned: number | undefined): number {
  if (!frame || (!frame.isProgressive && scanned === frame.components)) return 0;
  return 2 * frame.coefficients;
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
