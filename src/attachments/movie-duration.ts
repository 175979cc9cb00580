// The duration of MP4 and QuickTime files (ISO/IEC 14496-12).
import type { ByteRange } from "../file-store/file-store.ts";

/** Boxes of the outermost level that are looked at: some files have many fragments. */
const boxesMax = 64;
/** The header of a movie is the first box in `moov`. */
const headerBytes = 64;

/** Reads a range of the file; fewer bytes at its end. */
export type ReadRange = (range: ByteRange) => Promise<Buffer>;

/**
 * Reads the duration in the header of a movie, wherever in the file it stands.
 * @param size of the file in bytes
 * @returns milliseconds; undefined where there is no header, or it has no duration, as in a recording that was streamed
 */
export async function movieMs(size: number, read: ReadRange): Promise<number | undefined> {
  let at = 0;
  for (let boxes = 0; boxes < boxesMax && at + 8 <= size; boxes += 1) {
    const head = await read({ start: at, end: Math.min(size, at + 16) });
    if (head.length < 8) return undefined;
    let length = head.readUInt32BE(0);
    let headLength = 8;
    if (length === 1 && head.length >= 16) {
      length = Number(head.readBigUInt64BE(8));
      headLength = 16;
    }
    if (head.toString("latin1", 4, 8) === "moov") {
      const start = at + headLength;
      return msIn(await read({ start, end: Math.min(size, start + headerBytes) }));
    }
    // A box of size 0 goes to the end of the file.
    if (length < headLength) return undefined;
    at += length;
  }
  return undefined;
}

function msIn(header: Buffer): number | undefined {
  if (header.length < headerBytes || header.toString("latin1", 4, 8) !== "mvhd") return undefined;
  const isLong = header[8] === 1;
  const timescale = header.readUInt32BE(isLong ? 28 : 20);
  const units = isLong ? Number(header.readBigUInt64BE(32)) : header.readUInt32BE(24);
  const ms = (units * 1_000) / timescale;
  // All bits set: the duration is not known.
  const isKnown = timescale > 0 && units > 0 && units !== 0xff_ff_ff_ff;
  return isKnown ? ms : undefined;
}
