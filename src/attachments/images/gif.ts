// GIF 89a, also animated. Comments, XMP and other applications' data go, and whatever follows the end.
import { textOf, type BareImage } from "./bare-image.ts";

/** Applications whose data say how often an animation repeats. */
const keptApplications = new Set(["NETSCAPE2.0", "ANIMEXTS1.0"]);

/** From a block on that cannot be followed, the rest stays as it is. @returns undefined for bytes without a whole header */
export function bareGif(bytes: Uint8Array): BareImage | undefined {
  if (bytes.length < 13) return undefined;
  const size = {
    width: (bytes[6] ?? 0) | ((bytes[7] ?? 0) << 8),
    height: (bytes[8] ?? 0) | ((bytes[9] ?? 0) << 8),
  };
  let at = 13 + tableBytes(bytes[10] ?? 0);
  const parts: Uint8Array[] = [bytes.subarray(0, at)];
  const cut = (): BareImage => ({ parts, isWhole: false, isUpright: true, size });
  while (at < bytes.length) {
    const kind = bytes[at];
    if (kind === 0x3b) {
      parts.push(bytes.subarray(at, at + 1));
      return { ...cut(), isWhole: true };
    }
    let start = at + 2;
    if (kind === 0x2c) start = at + 10 + tableBytes(bytes[at + 9] ?? 0) + 1;
    else if (kind !== 0x21) {
      parts.push(bytes.subarray(at));
      return cut();
    }
    const end = endOfBlocks(bytes, start);
    if (end === undefined) return cut();
    if (kind === 0x2c || isKept(bytes, at)) parts.push(bytes.subarray(at, end));
    at = end;
  }
  return cut();
}

/** Bytes of a colour table, by the flags that announce it. */
const tableBytes = (flags: number) => ((flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1));

/** The end of a list of blocks, each of which begins with its length; undefined where it is cut off. */
function endOfBlocks(bytes: Uint8Array, start: number): number | undefined {
  let at = start;
  for (;;) {
    const length = bytes[at];
    if (length === undefined) return undefined;
    at += 1 + length;
    if (length === 0) return at;
  }
}

function isKept(bytes: Uint8Array, at: number): boolean {
  const label = bytes[at + 1];
  // These blocks are graphic controls and plain text.
  if (label === 0xf9 || label === 0x01) return true;
  return label === 0xff && keptApplications.has(textOf(bytes, at + 3, 11));
}
