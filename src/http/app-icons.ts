// The icons of the installed app, as PNG. They are drawn as src/web/icon.svg is: a white star with four points on a blue square.
import { deflateSync } from "node:zlib";

interface Look {
  /** Width and height in pixels. */
  readonly size: number;
  /** The radius of the square's corners, as a part of its width; undefined: there is no square. */
  readonly rounding: number | undefined;
}

/** The icons by file name. A maskable icon is cut into a shape by the system, and so is that of iOS; a badge is drawn in one colour. */
export const iconLooks: ReadonlyMap<string, Look> = new Map([
  ["icon-192.png", { size: 192, rounding: 9 / 32 }],
  ["icon-512.png", { size: 512, rounding: 9 / 32 }],
  ["maskable-512.png", { size: 512, rounding: 0 }],
  ["apple-180.png", { size: 180, rounding: 0 }],
  ["badge-96.png", { size: 96, rounding: undefined }],
]);

type Point = readonly [x: number, y: number];

const blue = [0x46, 0x53, 0xd1] as const;
/** One quarter of the star from its upper to its right point, as the Bézier curve of icon.svg around the centre of its 32 units. */
const quarter: readonly Point[] = [
  [0, -10],
  [0.9, -4.4],
  [3.4, -1.4],
  [9.5, 0],
];
const stepsOfCurve = 16;
/** Lines that are looked at for each row of pixels. */
const linesOfRow = 4;

/** The outline of the star in units of the icon, 0 to 1. */
function starOutline(): Point[] {
  const curve = Array.from({ length: stepsOfCurve }, (_, step) => pointAt(step / stepsOfCurve));
  const mirrored = curve.map(([x, y]): Point => [x, -y]).toReversed();
  const right = [...curve, [9.5, 0] as const, ...mirrored];
  const left = right.map(([x, y]): Point => [-x, y]).toReversed();
  return [...right, ...left].map(([x, y]) => [(x + 16) / 32, (y + 16) / 32]);
}

function pointAt(t: number): Point {
  const weights = [(1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t ** 2, t ** 3];
  const sum = (axis: 0 | 1) =>
    quarter.reduce((total, point, index) => total + point[axis] * (weights[index] ?? 0), 0);
  return [sum(0), sum(1)];
}

/** The share of each pixel that the star covers, 0 to 1, row by row. */
function starCoverage(size: number): Float64Array {
  const coverage = new Float64Array(size * size);
  const outline = starOutline();
  for (let line = 0; line < size * linesOfRow; line += 1) {
    const y = (line + 0.5) / (size * linesOfRow);
    const [start, end] = crossings(outline, y).map((x) => x * size);
    if (start === undefined || end === undefined) continue;
    const row = Math.floor(line / linesOfRow) * size;
    for (let x = Math.floor(start); x < Math.min(end, size); x += 1) {
      const covered = Math.min(end, x + 1) - Math.max(start, x);
      coverage[row + x] = (coverage[row + x] ?? 0) + covered / linesOfRow;
    }
  }
  return coverage;
}

/** The star is met twice by a horizontal line: where it begins and where it ends. */
function crossings(outline: readonly Point[], y: number): number[] {
  const found: number[] = [];
  for (const [index, [x1, y1]] of outline.entries()) {
    const [x2, y2] = outline[(index + 1) % outline.length] ?? [x1, y1];
    if (y1 <= y !== y2 <= y) found.push(x1 + ((y - y1) / (y2 - y1)) * (x2 - x1));
  }
  return found.length === 0 ? [] : [Math.min(...found), Math.max(...found)];
}

/** The share of a pixel that a square with round corners covers, 0 to 1. */
function squareCoverage(x: number, y: number, { size, rounding = 0 }: Look): number {
  const radius = rounding * size;
  const beyond = (at: number) => Math.max(0, Math.abs(at + 0.5 - size / 2) - (size / 2 - radius));
  if (radius === 0) return 1;
  const distance = Math.hypot(beyond(x), beyond(y)) - radius;
  return Math.min(1, Math.max(0, 0.5 - distance));
}

/** Draws an icon. The same look gives the same bytes. */
export function drawIcon(look: Look): Uint8Array<ArrayBuffer> {
  const { size, rounding } = look;
  const star = starCoverage(size);
  // Each row begins with the number of its filter, which is 0 for none.
  const rows = new Uint8Array(size * (1 + 4 * size));
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const white = Math.min(1, star[y * size + x] ?? 0);
      const at = y * (1 + 4 * size) + 1 + 4 * x;
      for (const [channel, value] of blue.entries()) {
        const mixed = rounding === undefined ? 255 : value + (255 - value) * white;
        rows[at + channel] = Math.round(mixed);
      }
      const alpha = rounding === undefined ? white : squareCoverage(x, y, look);
      rows[at + 3] = Math.round(255 * alpha);
    }
  }
  return png(size, rows);
}

/** https://www.w3.org/TR/png-3/: eight bits for each of red, green, blue and alpha. */
function png(size: number, rows: Uint8Array): Uint8Array<ArrayBuffer> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 6, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const data = deflateSync(rows, { level: 9 });
  const parts = [chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))];
  return new Uint8Array(Buffer.concat([signature, ...parts]));
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const framed = Buffer.alloc(8 + body.length);
  framed.writeUInt32BE(data.length, 0);
  framed.set(body, 4);
  framed.writeUInt32BE(Bun.hash.crc32(body), 4 + body.length);
  return framed;
}
