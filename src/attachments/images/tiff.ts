// TIFF 6.0, which is kept as a file: it is not decoded here. The values of tags with metadata are overwritten by zeros, so that no place
// of the file moves.
import type { BareImage } from "./bare-image.ts";

/** Bytes of a value by the type of its tag. */
const typeBytes = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4];
const entryBytes = 12;
/** Directories of one file: pages, and those that tags point to. */
const directoriesMax = 1_000;
/** Tags that point to directories with metadata: EXIF, GPS and interoperability. */
const removedDirectories = new Set([34665, 34853, 40965]);
/** Tags that point to directories of other sizes of the picture. */
const keptDirectories = new Set([330]);
/**
 * Description, maker, model, software, time, artist, computer, XMP, IPTC, Photoshop's data, copyright, and what Windows calls title,
 * comment, author, keywords and subject.
 */
const removedTags = new Set([
  ...[270, 271, 272, 305, 306, 315, 316, 700, 33432, 33723, 34377],
  ...[40091, 40092, 40093, 40094, 40095, 42032, 42033, 42037],
]);

interface Directory {
  at: number;
  /** Whether all of its values are removed. */
  isRemoved: boolean;
}

/** @returns undefined for bytes whose directories cannot be followed, BigTIFF among them */
export function bareTiff(bytes: Uint8Array): BareImage | undefined {
  const blank = bytes.slice();
  const view = new DataView(blank.buffer);
  if (bytes.length < 8) return undefined;
  const isLittle = view.getUint16(0) === 0x4949;
  if (view.getUint16(2, isLittle) !== 42) return undefined;
  const waiting: Directory[] = [{ at: view.getUint32(4, isLittle), isRemoved: false }];
  const seen = new Set<number>();
  for (let directory = waiting.pop(); directory; directory = waiting.pop()) {
    if (seen.has(directory.at) || seen.size >= directoriesMax) continue;
    seen.add(directory.at);
    const found = cleanDirectory(blank, view, isLittle, directory);
    if (!found) return undefined;
    waiting.push(...found);
  }
  return { parts: [blank], isWhole: true, isUpright: true, size: undefined };
}

/** Overwrites the metadata of a directory. @returns those that it points to; undefined past the end of the file */
function cleanDirectory(
  blank: Uint8Array,
  view: DataView,
  isLittle: boolean,
  { at, isRemoved }: Directory,
): Directory[] | undefined {
  if (at + 2 > blank.length) return undefined;
  const count = view.getUint16(at, isLittle);
  const end = at + 2 + count * entryBytes;
  if (end + 4 > blank.length) return undefined;
  const found: Directory[] = [];
  for (let entry = at + 2; entry < end; entry += entryBytes) {
    const tag = view.getUint16(entry, isLittle);
    const size =
      (typeBytes[view.getUint16(entry + 2, isLittle)] ?? 1) * view.getUint32(entry + 4, isLittle);
    const value = size <= 4 ? entry + 8 : view.getUint32(entry + 8, isLittle);
    if (removedDirectories.has(tag) || keptDirectories.has(tag)) {
      const isGone = isRemoved || removedDirectories.has(tag);
      for (let n = 0; n < Math.min(size, directoriesMax * 4); n += 4) {
        if (value + n + 4 > blank.length) break;
        found.push({ at: view.getUint32(value + n, isLittle), isRemoved: isGone });
      }
    } else if (isRemoved || removedTags.has(tag)) {
      blank.fill(0, value, Math.min(value + size, blank.length));
    }
  }
  const next = view.getUint32(end, isLittle);
  if (next !== 0) found.push({ at: next, isRemoved });
  return found;
}
