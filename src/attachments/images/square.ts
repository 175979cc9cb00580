// Crops the middle of an image, which Bun.Image cannot. It reads and writes the PNG of Bun.Image: 8 bits a channel, RGBA, not interlaced.
import { deflate, inflate } from "node:zlib";
import { promisify } from "node:util";
import { textOf } from "./bare-image.ts";

const inflated = promisify(inflate);
const deflated = promisify(deflate);

const signatureBytes = 8;
/** The bytes of the length, the type and the checksum of a chunk. */
const frameBytes = 12;
const channels = 4;
/** The chunks with the colour space of the pixels. */
const colourChunks = new Set(["iCCP", "sRGB", "gAMA", "cHRM", "cICP"]);

/**
 * The square in the middle of a PNG that Bun.Image has written, as a PNG.
 * @param side at most the width and the height of the image
 */
export async function middleSquare(png: Uint8Array, side: number): Promise<Uint8Array> {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  const data: Uint8Array[] = [];
  const colours: Uint8Array[] = [];
  for (let at = signatureBytes; at + frameBytes <= png.length;) {
    const type = textOf(png, at + 4, 4);
    const end = at + frameBytes + view.getUint32(at);
    if (type === "IDAT") data.push(png.subarray(at + 8, end - 4));
    if (colourChunks.has(type)) colours.push(png.subarray(at, end));
    at = end;
  }
  const maxOutputLength = (1 + width * channels) * height;
  const rows = await inflated(Buffer.concat(data), { maxOutputLength });
  const left = Math.floor((width - side) / 2);
  const top = Math.floor((height - side) / 2);
  unfilter(rows, width * channels, top + side);
  const cropped = Buffer.alloc((1 + side * channels) * side);
  for (let y = 0; y < side; y += 1) {
    const from = (1 + width * channels) * (top + y) + 1 + left * channels;
    rows.copy(cropped, (1 + side * channels) * y + 1, from, from + side * channels);
  }
  const header = Buffer.from(png.subarray(16, 29));
  header.writeUInt32BE(side);
  header.writeUInt32BE(side, 4);
  return Buffer.concat([
    png.subarray(0, signatureBytes),
    chunk("IHDR", header),
    ...colours,
    chunk("IDAT", await deflated(cropped, { level: 1 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** Turns the first rows into pixels (PNG, third edition, §9). Each row begins with its filter. */
function unfilter(rows: Buffer, stride: number, count: number): void {
  for (let y = 0; y < count; y += 1) {
    const start = (1 + stride) * y + 1;
    const filter = rows[start - 1];
    const above = y === 0 ? undefined : start - 1 - stride;
    for (let x = 0; x < stride; x += 1) {
      const a = x < channels ? 0 : (rows[start + x - channels] ?? 0);
      const b = above === undefined ? 0 : (rows[above + x] ?? 0);
      const c = x < channels || above === undefined ? 0 : (rows[above + x - channels] ?? 0);
      const value = rows[start + x] ?? 0;
      rows[start + x] = value + predicted(filter, a, b, c);
    }
  }
}

function predicted(filter: number | undefined, a: number, b: number, c: number): number {
  switch (filter) {
    case 1:
      return a;
    case 2:
      return b;
    case 3:
      return (a + b) >> 1;
    case 4: {
      const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
      if (pa <= pb && pa <= pc) return a;
      return pb <= pc ? b : c;
    }
    default:
      return 0;
  }
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const framed = Buffer.alloc(8 + data.length + 4);
  framed.writeUInt32BE(data.length);
  body.copy(framed, 4);
  framed.writeUInt32BE(Bun.hash.crc32(body), 8 + data.length);
  return framed;
}
