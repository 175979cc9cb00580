// HEIC and AVIF (ISO/IEC 23008-12), which are kept as files: they are not decoded here. The bytes of their EXIF and XMP are
// overwritten by zeros, so that no place of the file moves.
import { textOf, type BareImage } from "./bare-image.ts";

/** Items with metadata; a `mime` item has XMP. The orientation is a property of the image, not an item. */
const removedItems = new Set(["Exif", "mime", "uri "]);

interface Box {
  type: string;
  /** The content of the box, without its header. */
  from: number;
  to: number;
}

/** @returns undefined for bytes whose boxes cannot be followed */
export function bareHeif(bytes: Uint8Array): BareImage | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const meta = boxesIn(view, bytes, 0, bytes.length).find(({ type }) => type === "meta");
  if (!meta) return undefined;
  try {
    // A full box begins with its version and flags.
    const boxes = boxesIn(view, bytes, meta.from + 4, meta.to);
    const named = (type: string) => boxes.find((box) => box.type === type);
    const [items, places] = [named("iinf"), named("iloc")];
    if (!items || !places) return undefined;
    const removed = removedIds(view, bytes, items);
    const extents = extentsOf(view, places, removed, named("idat")?.from);
    const parts = [extents.length === 0 ? bytes : withZeros(bytes, extents)];
    return { parts, isWhole: true, isUpright: true, size: undefined };
  } catch (error) {
    // A count or a length leads past the end.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function boxesIn(view: DataView, bytes: Uint8Array, from: number, to: number): Box[] {
  const boxes: Box[] = [];
  for (let at = from; at + 8 <= to;) {
    let size = view.getUint32(at);
    let head = 8;
    if (size === 1 && at + 16 <= to) {
      size = Number(view.getBigUint64(at + 8));
      head = 16;
    }
    const end = size === 0 ? to : at + size;
    if (end < at + head || end > to) break;
    boxes.push({ type: textOf(bytes, at + 4, 4), from: at + head, to: end });
    at = end;
  }
  return boxes;
}

/** The ids of the items with metadata. */
function removedIds(view: DataView, bytes: Uint8Array, { from, to }: Box): Set<number> {
  const start = from + 4 + (view.getUint8(from) === 0 ? 2 : 4);
  const ids = new Set<number>();
  for (const { type, from: at } of boxesIn(view, bytes, start, to)) {
    if (type !== "infe") continue;
    const version = view.getUint8(at);
    const isLong = version >= 3;
    const id = isLong ? view.getUint32(at + 4) : view.getUint16(at + 4);
    const itemType = version < 2 ? "mime" : textOf(bytes, at + 4 + (isLong ? 4 : 2) + 2, 4);
    if (removedItems.has(itemType)) ids.add(id);
  }
  return ids;
}

/** Reads the numbers of a box one after another. @throws RangeError past the end of the file */
class BoxReader {
  readonly #view: DataView;
  #at: number;

  constructor(view: DataView, at: number) {
    this.#view = view;
    this.#at = at;
  }

  get at(): number {
    return this.#at;
  }

  /** @param size bytes of the number: 0, 2, 4 or 8 */
  next(size: number): number {
    const at = this.#at;
    this.#at += size;
    if (size === 0) return 0;
    if (size === 2) return this.#view.getUint16(at);
    if (size === 4) return this.#view.getUint32(at);
    if (size === 8) return Number(this.#view.getBigUint64(at));
    throw new RangeError("a number of a size that is not allowed");
  }
}

/** The places in the file of items' bytes. */
function extentsOf(
  view: DataView,
  { from, to }: Box,
  ids: ReadonlySet<number>,
  dataFrom: number | undefined,
): [number, number][] {
  const version = view.getUint8(from);
  const sizes = view.getUint16(from + 4);
  const [offsetSize, lengthSize] = [sizes >> 12, (sizes >> 8) & 15];
  const [baseSize, indexSize] = [(sizes >> 4) & 15, version > 0 ? sizes & 15 : 0];
  const reader = new BoxReader(view, from + 6);
  const count = reader.next(version < 2 ? 2 : 4);
  const extents: [number, number][] = [];
  for (let n = 0; n < count && reader.at < to; n += 1) {
    const id = reader.next(version < 2 ? 2 : 4);
    const isInBox = version > 0 && (reader.next(2) & 15) === 1;
    reader.next(2);
    const base = reader.next(baseSize) + (isInBox ? (dataFrom ?? 0) : 0);
    const extentCount = reader.next(2);
    for (let extent = 0; extent < extentCount && reader.at < to; extent += 1) {
      reader.next(indexSize);
      const start = base + reader.next(offsetSize);
      const length = reader.next(lengthSize);
      if (ids.has(id)) extents.push([start, start + length]);
    }
  }
  return extents;
}

function withZeros(bytes: Uint8Array, extents: readonly [number, number][]): Uint8Array {
  const blank = bytes.slice();
  for (const [start, end] of extents) blank.fill(0, start, Math.min(end, blank.length));
  return blank;
}
