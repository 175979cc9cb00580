// Images and other files that tests make byte by byte.
import { deflateSync } from "node:zlib";

const ascii = (text: string) => Buffer.from(text, "latin1");

function pngChunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([ascii(type), data]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  checksum.writeUInt32BE(Bun.hash.crc32(body));
  return Buffer.concat([length, body, checksum]);
}

export interface PngOptions {
  depth?: 8 | 16;
  /** 0: grey, 2: RGB, 6: RGB with transparency. */
  colour?: 0 | 2 | 6;
  /** Chunks behind the header. */
  more?: [type: string, data: Uint8Array][];
  /** The pixels; grey unless said otherwise. Undefined rows of a header that lies. */
  pixels?: (x: number, y: number) => [number, number, number];
}

/** A PNG, whose pixels are zero unless `pixels` says otherwise. */
export function makePng(width: number, height: number, options: PngOptions = {}): Buffer {
  const { depth = 8, colour = 2, more = [], pixels } = options;
  const channels = { 0: 1, 2: 3, 6: 4 }[colour];
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([depth, colour], 8);
  const stride = 1 + (width * channels * depth) / 8;
  const rows = Buffer.alloc(stride * height);
  if (pixels) {
    for (let y = 0; y < height; y += 1)
      for (let x = 0; x < width; x += 1) rows.set(pixels(x, y), y * stride + 1 + x * 3);
  }
  return Buffer.concat([
    pngSignature,
    pngChunk("IHDR", header),
    ...more.map(([type, data]) => pngChunk(type, data)),
    pngChunk("IDAT", deflateSync(rows)),
    pngChunk("IEND", new Uint8Array()),
  ]);
}

const pngSignature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);

/** A PNG whose header claims a size that its data does not have. */
export function lyingPng(width: number, height: number): Buffer {
  const png = Buffer.from(makePng(8, 8));
  png.writeUInt32BE(width, 16);
  png.writeUInt32BE(height, 20);
  png.writeUInt32BE(Bun.hash.crc32(png.subarray(12, 29)), 29);
  return png;
}

/** An animated PNG of two frames. */
export function animatedPng(width: number, height: number): Buffer {
  const control = Buffer.alloc(8);
  control.writeUInt32BE(2);
  const frame = (sequence: number) => {
    const data = Buffer.alloc(26);
    data.writeUInt32BE(sequence);
    data.writeUInt32BE(width, 4);
    data.writeUInt32BE(height, 8);
    data.writeUInt16BE(1, 20);
    data.writeUInt16BE(10, 22);
    return data;
  };
  const rows = deflateSync(Buffer.alloc((1 + width * 3) * height));
  const sequence = Buffer.from([0, 0, 0, 2]);
  const still = makePng(width, height, {
    more: [
      ["acTL", control],
      ["fcTL", frame(0)],
    ],
  });
  return Buffer.concat([
    still.subarray(0, -12),
    pngChunk("fcTL", frame(1)),
    pngChunk("fdAT", Buffer.concat([sequence, rows])),
    still.subarray(-12),
  ]);
}

/** EXIF with an orientation, and a place that must not be seen. */
export function exif(orientation: number, isLittle = false): Buffer {
  const tiff = Buffer.alloc(64);
  const [u16, u32] = isLittle
    ? [tiff.writeUInt16LE.bind(tiff), tiff.writeUInt32LE.bind(tiff)]
    : [tiff.writeUInt16BE.bind(tiff), tiff.writeUInt32BE.bind(tiff)];
  tiff.write(isLittle ? "II" : "MM");
  u16(42, 2);
  u32(8, 4);
  u16(1, 8);
  u16(0x0112, 10);
  u16(3, 12);
  u32(1, 14);
  u16(orientation, 18);
  tiff.write(secretPlace, 30);
  return tiff;
}

/** A text in all metadata of images here. */
export const secretPlace = "GPS 52.5200N 13.4050E";

function jpegSegment(marker: number, data: Uint8Array): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(data.length + 2, 2);
  return Buffer.concat([head, data]);
}

/** A JPEG of a PNG, with segments behind its start. */
export async function makeJpeg(
  png: Uint8Array,
  { progressive = false, segments = [] as [number, Uint8Array][] } = {},
): Promise<Buffer> {
  const bytes = await new Bun.Image(new Uint8Array(png))
    .jpeg({ progressive, quality: 95 })
    .buffer();
  const more = segments.map(([marker, data]) => jpegSegment(marker, data));
  return Buffer.concat([bytes.subarray(0, 2), ...more, bytes.subarray(2)]);
}

export const exifSegment = (orientation: number, isLittle = false): [number, Uint8Array] => [
  0xe1,
  Buffer.concat([ascii("Exif\0\0"), exif(orientation, isLittle)]),
];
export const xmpSegment: [number, Uint8Array] = [
  0xe1,
  ascii(`http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>${secretPlace}</x:xmpmeta>`),
];
export const commentSegment: [number, Uint8Array] = [0xfe, ascii(secretPlace)];
export const iptcSegment: [number, Uint8Array] = [0xed, ascii(`Photoshop 3.0\0${secretPlace}`)];

function riff(...chunks: Buffer[]): Buffer {
  const body = Buffer.concat([ascii("WEBP"), ...chunks]);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(body.length);
  return Buffer.concat([ascii("RIFF"), size, body]);
}

function riffChunk(type: string, data: Uint8Array): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(data.length);
  return Buffer.concat([ascii(type), size, data, Buffer.alloc(data.length % 2)]);
}

const uint24 = (value: number) => Buffer.from([value & 255, (value >> 8) & 255, value >> 16]);

function extendedHeader(flags: number, width: number, height: number): Buffer {
  const canvas = [uint24(width - 1), uint24(height - 1)];
  return riffChunk("VP8X", Buffer.concat([Buffer.from([flags, 0, 0, 0]), ...canvas]));
}

/** A WebP with EXIF and XMP. */
export async function webpWithMetadata(
  png: Uint8Array,
  width: number,
  height: number,
): Promise<Buffer> {
  const simple = await new Bun.Image(new Uint8Array(png)).webp().buffer();
  return riff(
    extendedHeader(0x0c, width, height),
    simple.subarray(12),
    riffChunk("EXIF", exif(1)),
    riffChunk("XMP ", ascii(secretPlace)),
  );
}

/** An animated WebP of two frames, which fill the canvas. */
export async function animatedWebp(
  png: Uint8Array,
  width: number,
  height: number,
): Promise<Buffer> {
  const simple = await new Bun.Image(new Uint8Array(png)).webp().buffer();
  const place = Buffer.concat([uint24(0), uint24(0), uint24(width - 1), uint24(height - 1)]);
  const frame = riffChunk(
    "ANMF",
    Buffer.concat([place, uint24(100), Buffer.from([0]), simple.subarray(12)]),
  );
  const animation = riffChunk("ANIM", Buffer.alloc(6));
  return riff(
    extendedHeader(0x0a, width, height),
    animation,
    frame,
    frame,
    riffChunk("EXIF", exif(1)),
  );
}

/** A GIF of some frames of one pixel, with a comment and XMP. */
export function makeGif(frames: number, { width = 1, height = 1 } = {}): Buffer {
  const screen = Buffer.alloc(7);
  screen.writeUInt16LE(width);
  screen.writeUInt16LE(height, 2);
  screen[4] = 0x80;
  const table = Buffer.from([255, 0, 0, 0, 0, 255]);
  const loop = Buffer.concat([
    Buffer.from([0x21, 0xff, 11]),
    ascii("NETSCAPE2.0"),
    Buffer.from([3, 1, 0, 0, 0]),
  ]);
  const comment = Buffer.concat([
    Buffer.from([0x21, 0xfe, secretPlace.length]),
    ascii(secretPlace),
    Buffer.from([0]),
  ]);
  const xmp = Buffer.concat([
    Buffer.from([0x21, 0xff, 11]),
    ascii("XMP DataXMP"),
    Buffer.from([secretPlace.length]),
    ascii(secretPlace),
    Buffer.from([0]),
  ]);
  const control = Buffer.from([0x21, 0xf9, 4, 0, 10, 0, 0, 0]);
  const image = Buffer.from([0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0]);
  const each = Array.from({ length: frames }, () => Buffer.concat([control, image]));
  return Buffer.concat([
    ascii("GIF89a"),
    screen,
    table,
    loop,
    comment,
    xmp,
    ...each,
    Buffer.from([0x3b]),
  ]);
}

/** A mono WAV of silence. */
export function makeWav(samples: number): Buffer {
  const head = Buffer.alloc(44);
  head.write("RIFF");
  head.writeUInt32LE(36 + samples, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(8_000, 24);
  head.writeUInt32LE(8_000, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write("data", 36);
  head.writeUInt32LE(samples, 40);
  return Buffer.concat([head, Buffer.alloc(samples, 128)]);
}
