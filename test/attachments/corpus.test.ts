// Awkward files: each is shown rightly, or kept as a file that is only downloaded. None is a crash, and no metadata is left.
import { beforeAll, describe, expect } from "bun:test";
import { useWorld, type Person } from "../world/world.ts";
import { download, sha256, uploaded } from "./files.ts";
import * as made from "./made-files.ts";
import { bothTest, everyNth, test } from "../world/long.ts";

const world = useWorld();
let ann: Person;
let chatId: number;
beforeAll(async () => {
  ann = await world.person("ann");
  chatId = (await ann.chat()).id;
});

async function roundTrip(bytes: Uint8Array, name = "a") {
  const attachment = await uploaded(world, ann, chatId, new Uint8Array(bytes), { name });
  const got = await download(world, ann, attachment.url);
  expect(got.status).toBe(200);
  expect([attachment.sha256, attachment.size]).toEqual([sha256(got.bytes), got.bytes.length]);
  return { attachment, bytes: got.bytes, headers: got.headers };
}

/** The upper half is red and the lower half blue, and the left half is darker. */
const flag = made.makePng(30, 20, {
  pixels: (x, y) => {
    const light = x < 15 ? 100 : 255;
    return y < 10 ? [light, 0, 0] : [0, 0, light];
  },
});

/** The corners of an image in the order of reading: red or blue, dark or light. */
async function cornersOf(image: Uint8Array): Promise<string[]> {
  const png = await new Bun.Image(new Uint8Array(image))
    .resize(2, 2)
    .png({ compressionLevel: 0 })
    .bytes();
  return pixelsOf(png).map(([red = 0, , blue = 0]) => {
    const isRed = red > blue;
    return `${isRed ? "red" : "blue"} ${Math.max(red, blue) < 150 ? "dark" : "light"}`;
  });
}

/** The pixels of a PNG of 2 × 2 pixels. */
function pixelsOf(png: Uint8Array): number[][] {
  const start = Buffer.from(png).indexOf("IDAT");
  const length = new DataView(png.buffer, png.byteOffset).getUint32(start - 4);
  const data = Bun.inflateSync(new Uint8Array(png.subarray(start + 6, start + 4 + length)), {
    windowBits: -15,
  });
  const channels = (data.length / 2 - 1) / 2;
  const rows: number[][] = [];
  let above = new Array<number>(2 * channels).fill(0);
  for (let y = 0; y < 2; y += 1) {
    const filter = data[y * (1 + 2 * channels)] ?? 0;
    const row: number[] = [];
    for (let i = 0; i < 2 * channels; i += 1) {
      const raw = data[y * (1 + 2 * channels) + 1 + i] ?? 0;
      const left = i >= channels ? (row[i - channels] ?? 0) : 0;
      const up = above[i] ?? 0;
      const corner = i >= channels ? (above[i - channels] ?? 0) : 0;
      const paeth = [left, up, corner].toSorted(
        (a, b) => Math.abs(left + up - corner - a) - Math.abs(left + up - corner - b),
      )[0];
      const added = [0, left, up, (left + up) >> 1, paeth ?? 0][filter] ?? 0;
      row.push((raw + added) & 255);
    }
    rows.push(row.slice(0, channels), row.slice(channels));
    above = row;
  }
  return rows;
}

const upright = ["red dark", "red light", "blue dark", "blue light"];

describe("a JPEG of orientation", () => {
  /** How a camera has to hold the upright image so that a viewer turns it back. */
  const held: Record<number, (image: Bun.Image) => Bun.Image> = {
    1: (image) => image,
    2: (image) => image.flop(),
    3: (image) => image.rotate(180),
    4: (image) => image.flip(),
    5: (image) => image.rotate(270).flip(),
    6: (image) => image.rotate(270),
    7: (image) => image.rotate(90).flip(),
    8: (image) => image.rotate(90),
  };

  test.each(Object.entries(held))(
    "%s is upright, without EXIF, in all sizes",
    async (orientation, hold) => {
      const stored = await hold(new Bun.Image(new Uint8Array(flag)))
        .png()
        .bytes();
      const jpeg = await made.makeJpeg(stored, {
        segments: [made.exifSegment(Number(orientation), orientation === "6")],
      });
      const { attachment, bytes } = await roundTrip(jpeg, "photo.jpg");
      expect(attachment).toMatchObject({ kind: "image", width: 30, height: 20 });
      expect(Buffer.from(bytes).includes("Exif")).toBe(false);
      expect(await cornersOf(bytes)).toEqual(upright);
      for (const { url, width, height } of attachment.thumbnails ?? []) {
        const thumbnail = await download(world, ann, url);
        expect([thumbnail.headers.get("content-type"), width, height]).toEqual([
          "image/webp",
          30,
          20,
        ]);
        expect(await cornersOf(thumbnail.bytes)).toEqual(upright);
      }
    },
  );
});

test("thumbnails fit into 256 and 1,024 pixels, and a preview is small", async () => {
  const { attachment } = await roundTrip(made.makePng(2_000, 1_000));
  expect(attachment).toMatchObject({
    media_type: "image/png",
    width: 2_000,
    height: 1_000,
    thumbnails: [
      { width: 256, height: 128, url: `${attachment.url}/thumbnails/256` },
      { width: 1_024, height: 512, url: `${attachment.url}/thumbnails/1024` },
    ],
  });
  expect(attachment.blur).toStartWith("data:image/png;base64,");
  expect(attachment.blur?.length).toBeLessThan(2_000);
  for (const width of [0, 255, 512, "256px", "%00"]) {
    expect((await download(world, ann, `${attachment.url}/thumbnails/${width}`)).status).toBe(422);
  }
});

interface Shown {
  media_type: string;
  width?: number;
  height?: number;
}

const png = made.makePng(40, 30);
const text = new TextEncoder();
const shown: [what: string, make: () => Uint8Array | Promise<Uint8Array>, as: Shown][] = [
  [
    "a JPEG with EXIF, XMP, IPTC and a comment",
    () =>
      made.makeJpeg(png, {
        segments: [made.exifSegment(1), made.xmpSegment, made.iptcSegment, made.commentSegment],
      }),
    { media_type: "image/jpeg", width: 40, height: 30 },
  ],
  [
    "a progressive JPEG",
    () => made.makeJpeg(png, { progressive: true, segments: [made.exifSegment(1)] }),
    { media_type: "image/jpeg", width: 40, height: 30 },
  ],
  [
    "a JPEG with a video behind it",
    async () =>
      Buffer.concat([await made.makeJpeg(png), Buffer.from(`ftypmp42 ${made.secretPlace}`)]),
    { media_type: "image/jpeg", width: 40, height: 30 },
  ],
  [
    "a JPEG with fill bytes",
    async () => {
      const jpeg = await made.makeJpeg(png);
      return Buffer.concat([
        jpeg.subarray(0, 2),
        Buffer.from([0xff, 0xff, 0xff]),
        jpeg.subarray(2),
      ]);
    },
    { media_type: "image/jpeg", width: 40, height: 30 },
  ],
  [
    "a PNG with texts and EXIF",
    () =>
      made.makePng(40, 30, {
        more: [
          ["tEXt", Buffer.from(made.secretPlace)],
          ["iTXt", Buffer.from(made.secretPlace)],
          ["eXIf", made.exif(6)],
          ["tIME", Buffer.alloc(7)],
        ],
      }),
    { media_type: "image/png", width: 40, height: 30 },
  ],
  [
    "a PNG of 16 bits",
    () => made.makePng(40, 30, { depth: 16 }),
    { media_type: "image/png", width: 40, height: 30 },
  ],
  [
    "a grey PNG of 16 bits",
    () => made.makePng(40, 30, { depth: 16, colour: 0 }),
    { media_type: "image/png", width: 40, height: 30 },
  ],
  [
    "a transparent PNG",
    () => made.makePng(40, 30, { colour: 6 }),
    { media_type: "image/png", width: 40, height: 30 },
  ],
  [
    "a PNG with an archive behind it",
    () => Buffer.concat([png, Buffer.from(`PK\u0003\u0004${made.secretPlace}`)]),
    { media_type: "image/png", width: 40, height: 30 },
  ],
  [
    "an animated PNG",
    () => made.animatedPng(40, 30),
    { media_type: "image/png", width: 40, height: 30 },
  ],
  [
    "a WebP with EXIF and XMP",
    () => made.webpWithMetadata(png, 40, 30),
    { media_type: "image/webp", width: 40, height: 30 },
  ],
  [
    "an animated WebP",
    () => made.animatedWebp(png, 40, 30),
    { media_type: "image/webp", width: 40, height: 30 },
  ],
  [
    "an animated GIF with a comment and XMP",
    () => made.makeGif(3),
    { media_type: "image/gif", width: 1, height: 1 },
  ],
  [
    "a GIF with a script behind it",
    () => Buffer.concat([made.makeGif(1), Buffer.from(`<script>"${made.secretPlace}"</script>`)]),
    { media_type: "image/gif", width: 1, height: 1 },
  ],
  [
    "a picture of one pixel",
    () => made.makePng(1, 1),
    { media_type: "image/png", width: 1, height: 1 },
  ],
  [
    "a very wide picture",
    () => made.makePng(20_000, 1),
    { media_type: "image/png", width: 20_000, height: 1 },
  ],
  [
    "a very high picture",
    () => made.makePng(1, 20_000),
    { media_type: "image/png", width: 1, height: 20_000 },
  ],
];

bothTest.each(everyNth(2, shown))(
  "%s is shown, without metadata and with thumbnails",
  async (_, make, as) => {
    const { attachment, bytes, headers } = await roundTrip(await make());
    expect(attachment).toMatchObject({ kind: "image", ...as });
    expect(headers.get("content-disposition")).toStartWith("inline;");
    expect(headers.get("content-type")).toBe(as.media_type);
    expect(Buffer.from(bytes).includes(made.secretPlace)).toBe(false);
    expect(attachment.thumbnails?.length).toBe(2);
    for (const { url } of attachment.thumbnails ?? []) {
      const thumbnail = await download(world, ann, url);
      expect(thumbnail.status).toBe(200);
      expect((await new Bun.Image(new Uint8Array(thumbnail.bytes)).metadata()).format).toBe("webp");
    }
  },
);

test("animations stay as long as they were", async () => {
  const count = (bytes: Uint8Array, of: string) =>
    Buffer.from(bytes).toString("latin1").split(of).length - 1;
  const gif = await roundTrip(made.makeGif(5), "a.gif");
  expect(count(gif.bytes, "\x21\xf9\x04")).toBe(5);
  expect(count(gif.bytes, "NETSCAPE2.0")).toBe(1);
  expect(count((await roundTrip(await made.animatedWebp(png, 40, 30))).bytes, "ANMF")).toBe(2);
  expect(count((await roundTrip(made.animatedPng(41, 30))).bytes, "fcTL")).toBe(2);
});

test("a picture without metadata is served as it was uploaded", async () => {
  for (const bytes of [
    await made.makeJpeg(png),
    png,
    await new Bun.Image(new Uint8Array(png)).webp().bytes(),
  ]) {
    expect(Buffer.from((await roundTrip(bytes)).bytes).equals(Buffer.from(bytes))).toBe(true);
  }
});

const kept: [what: string, make: () => Uint8Array | Promise<Uint8Array>, mediaType: RegExp][] = [
  [
    "a bomb of 400 million pixels",
    () => made.makePng(20_000, 20_000, { colour: 0 }),
    /^image\/png$/,
  ],
  ["a PNG that claims sides of 65,535 pixels", () => made.lyingPng(65_535, 65_535), /^image\/png$/],
  [
    "a PNG that claims two thousand million pixels",
    () => made.lyingPng(0x7fffffff, 1),
    /^image\/png$/,
  ],
  ["a PNG that claims no pixels", () => made.lyingPng(0, 0), /^image\/png$/],
  [
    "a GIF that claims sides of 65,535 pixels",
    () => made.makeGif(1, { width: 65_535, height: 65_535 }),
    /^image\/gif$/,
  ],
  [
    "half a JPEG",
    async () => {
      const jpeg = await made.makeJpeg(flag);
      return jpeg.subarray(0, jpeg.length / 2);
    },
    /^image\/jpeg$/,
  ],
  [
    "a JPEG without its end",
    async () => (await made.makeJpeg(flag)).subarray(0, -2),
    /^image\/jpeg$/,
  ],
  ["half a PNG", () => png.subarray(0, png.length / 2), /^image\/png$/],
  ["half a GIF", () => made.makeGif(3).subarray(0, 80), /^image\/gif$/],
  [
    "half a WebP",
    async () => {
      const webp = await made.animatedWebp(png, 40, 30);
      return webp.subarray(0, webp.length / 2);
    },
    /^image\/webp$/,
  ],
  [
    "an animated WebP whose first image has more pixels than its canvas",
    () => made.animatedWebp(made.makePng(4_000, 4_000), 40, 30),
    /^image\/webp$/,
  ],
  [
    "a PNG with a wrong checksum",
    () => {
      const broken = Buffer.from(png);
      broken[45] = 0xff;
      return broken;
    },
    /^image\/png$/,
  ],
  [
    "a JPEG's beginning and noise",
    () =>
      Buffer.concat([
        Buffer.from([0xff, 0xd8, 0xff, 0xe0]),
        crypto.getRandomValues(new Uint8Array(5_000)),
      ]),
    /^image\/jpeg$|octet-stream/,
  ],
  [
    "a PNG's beginning and noise",
    () => Buffer.concat([png.subarray(0, 8), crypto.getRandomValues(new Uint8Array(5_000))]),
    /^image\/png$|octet-stream/,
  ],
  [
    "a GIF's beginning with a script",
    () => text.encode("GIF89a/*<script>*/=1;alert(1)//"),
    /^image\/gif$/,
  ],
  ["an executable", () => Buffer.concat([text.encode("MZ"), Buffer.alloc(600)]), /^application\//],
  ["an archive", () => Buffer.from("504b0304140000000000", "hex"), /^application\//],
  ["text with a U+0000", () => text.encode("a\u0000b"), /^application\/octet-stream$/],
  ["text that is not UTF-8", () => Buffer.from([0x61, 0xe4, 0x62]), /^application\/octet-stream$/],
  ["one byte", () => text.encode("a"), /^text\/plain$/],
  [
    "text that is cut in a character at 64 KiB",
    () => text.encode(`a${"ä".repeat(40_000)}`),
    /^text\/plain$/,
  ],
];

bothTest.each(everyNth(2, kept))(
  "%s is kept as a file that is only downloaded",
  async (_, make, mediaType) => {
    const { attachment, headers } = await roundTrip(await make(), "picture.png");
    expect(attachment.kind).toBe("file");
    expect(attachment.media_type).toMatch(mediaType);
    expect(attachment.thumbnails ?? []).toEqual([]);
    expect(headers.get("content-disposition")).toStartWith("attachment;");
  },
);

test("half a photo is kept without its place", async () => {
  const jpeg = await made.makeJpeg(flag, { segments: [made.exifSegment(6), made.commentSegment] });
  const { bytes } = await roundTrip(jpeg.subarray(0, -20));
  expect(Buffer.from(bytes).includes(made.secretPlace)).toBe(false);
});

test("audio may be played in a page", async () => {
  const { attachment, headers } = await roundTrip(made.makeWav(800), "a.mp3");
  expect(attachment).toMatchObject({ kind: "audio", media_type: "audio/wav" });
  expect(headers.get("content-disposition")).toStartWith("inline;");
});
