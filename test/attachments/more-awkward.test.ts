// Awkward files beyond corpus.test.ts: other kinds of pixels, formats that are not decoded here, and polyglots.
import { beforeAll, describe, expect } from "bun:test";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { useWorld, type Person } from "../world/world.ts";
import { download, sha256, uploaded } from "./files.ts";
import { lyingPng, makeGif, makePng, secretPlace } from "./made-files.ts";
import { makeHeif, makeTiff } from "./made-containers.ts";
import { makeWav, recordingOf } from "./made-recordings.ts";
import { longTest, test } from "../world/long.ts";

const world = useWorld();
let ann: Person;
let chatId: number;
beforeAll(async () => {
  ann = await world.person("ann");
  chatId = (await ann.chat()).id;
});

const picture = (name: string) => Bun.file(join(import.meta.dir, "pictures", name)).bytes();
const text = new TextEncoder();

async function roundTrip(bytes: Uint8Array, name = "a") {
  const attachment = await uploaded(world, ann, chatId, new Uint8Array(bytes), { name });
  const got = await download(world, ann, attachment.url);
  expect(got.status).toBe(200);
  expect([attachment.sha256, attachment.size]).toEqual([sha256(got.bytes), got.bytes.length]);
  expect(Object.fromEntries(got.headers)).toMatchObject({
    "x-content-type-options": "nosniff",
    "content-security-policy": expect.stringContaining("sandbox"),
  });
  return { attachment, bytes: got.bytes, headers: got.headers };
}

describe("a picture is shown with thumbnails", () => {
  test.each<[string, () => Promise<Uint8Array> | Uint8Array, number, number]>([
    ["in four inks (CMYK)", () => picture("cmyk.jpg"), 32, 24],
    ["in grey", () => picture("grey.jpg"), 32, 24],
    ["that is progressive", () => picture("progressive.jpg"), 32, 24],
    ["with a palette", () => picture("palette.png"), 32, 24],
    ["of one bit a pixel", () => picture("bits.png"), 32, 24],
    ["of 16 bits of grey", () => picture("grey16.png"), 32, 24],
    ["of 16 bits a channel", () => makePng(8, 8, { depth: 16, colour: 2 }), 8, 8],
    ["of 16 bits with transparency", () => makePng(8, 8, { depth: 16, colour: 6 }), 8, 8],
    ["without loss as WebP", () => picture("lossless.webp"), 32, 24],
    ["of one pixel", () => makePng(1, 1), 1, 1],
    ["of one row", () => makePng(3_000, 1), 3_000, 1],
    ["of one column", () => makePng(1, 3_000), 1, 3_000],
    ["of one frame of a GIF", () => makeGif(1), 0, 0],
  ])("%s", async (_, make, width, height) => {
    const { attachment } = await roundTrip(await make());
    expect(attachment.kind).toBe("image");
    if (width > 0) expect(attachment).toMatchObject({ width, height });
    for (const { url } of attachment.thumbnails ?? []) {
      const { bytes } = await download(world, ann, url);
      expect((await new Bun.Image(new Uint8Array(bytes)).metadata()).format).toBe("webp");
    }
    expect(attachment.thumbnails).toHaveLength(2);
    expect(attachment.blur).toStartWith("data:image/");
  });
});

describe("a format that is not decoded is downloaded without its metadata", () => {
  test.each<[string, () => Uint8Array, RegExp]>([
    ["HEIC", () => makeHeif("heic"), /^image\/heic$/],
    ["HEIC with its metadata in a box", () => makeHeif("heic", { inBox: true }), /^image\/heic$/],
    ["HEIF", () => makeHeif("mif1"), /^image\/hei[cf]$/],
    ["AVIF", () => makeHeif("avif"), /^image\/avif$/],
    ["TIFF of an Intel machine", () => makeTiff({ isLittle: true }), /^image\/tiff$/],
    ["TIFF of a Motorola machine", () => makeTiff({ isLittle: false }), /^image\/tiff$/],
  ])("%s", async (_, make, mediaType) => {
    const given = Buffer.from(make());
    expect(given.includes(secretPlace)).toBe(true);
    const { attachment, bytes, headers } = await roundTrip(given);
    expect(attachment.kind).toBe("file");
    expect(attachment.media_type).toMatch(mediaType);
    expect(headers.get("content-disposition")).toStartWith("attachment");
    const got = Buffer.from(bytes);
    expect(got.includes(secretPlace)).toBe(false);
    // The picture itself stays where it was.
    expect(got.length).toBe(given.length);
    expect(got.indexOf("the pixels")).toBe(given.indexOf("the pixels"));
  });

  test("a TIFF of another program loses its description", async () => {
    const { bytes } = await roundTrip(await picture("described.tiff"));
    expect(Buffer.from(bytes).includes("GPS")).toBe(false);
  });

  test("an AVIF without metadata stays as it was", async () => {
    const given = await picture("still.avif");
    const { attachment, bytes } = await roundTrip(given);
    expect([attachment.kind, attachment.media_type]).toEqual(["file", "image/avif"]);
    expect(Buffer.from(bytes).equals(given)).toBe(true);
  });

  longTest("damaged ones are kept, and nothing else happens", async () => {
    let random = 11;
    const next = (below: number) => (random = (random * 48_271) % 2_147_483_647) % below;
    for (const whole of [makeHeif("heic"), makeTiff({ isLittle: true })]) {
      for (let round = 0; round < 12; round += 1) {
        const bytes = whole.slice(0, round < 6 ? whole.length : 16 + next(whole.length - 16));
        for (let n = 0; n < 6; n += 1) bytes[12 + next(bytes.length - 12)] = next(256);
        const { attachment } = await roundTrip(bytes);
        expect(attachment.kind).toBe("file");
      }
    }
  });
});

describe("what may run is never shown in a page", () => {
  const script = "<script>alert(1)</script>";
  test.each<[string, () => Uint8Array]>([
    ["a BMP", () => text.encode(`BM${script}`)],
    ["an icon", () => Buffer.concat([Buffer.from([0, 0, 1, 0]), text.encode(script)])],
    ["SVG in gzip", () => Bun.gzipSync(text.encode(`<svg>${script}</svg>`))],
    ["SVG behind a comment", () => text.encode(`<!-- --><svg onload="alert(1)"/>`)],
    ["XML with a style sheet", () => text.encode(`<?xml-stylesheet href="x.xsl"?><a/>`)],
    ["XHTML", () => text.encode(`<html xmlns="http://www.w3.org/1999/xhtml">${script}</html>`)],
    ["HTML in UTF-16", () => Buffer.from(`\ufeff<html>${script}`, "utf16le")],
    ["HTML in UTF-7", () => text.encode("+ADw-script+AD4-alert(1)+ADw-/script+AD4-")],
    ["HTML behind a PDF's header", () => text.encode(`%PDF-1.4\n${script}`)],
    ["JavaScript that is a GIF, too", () => text.encode(`GIF89a=1;alert(1)//`)],
    ["an HTML application", () => text.encode(`<hta:application/>${script}`)],
    ["a manifest of Flash", () => text.encode(`<cross-domain-policy/>`)],
    ["MHTML", () => text.encode(`MIME-Version: 1.0\nContent-Type: text/html\n\n${script}`)],
    ["WebAssembly", () => Buffer.from("0061736d01000000", "hex")],
    ["a shortcut of Windows", () => Buffer.from("4c0000000114020000000000c000000000000046", "hex")],
    ["a font", () => Buffer.concat([text.encode("wOF2"), Buffer.alloc(44)])],
  ])("%s", async (_, make) => {
    const { attachment, headers } = await roundTrip(make(), "x.html");
    expect(headers.get("content-type")).not.toMatch(/html|svg|xml(?!formats)|javascript/);
    // Files that are shown are images, sounds or videos by their bytes, in a sandbox.
    if (attachment.kind !== "file")
      expect(headers.get("content-type")).toMatch(/^(image|audio|video)\//);
    else expect(headers.get("content-disposition")).toStartWith("attachment");
  });

  test("a picture with a page behind its end loses the page", async () => {
    const png = Buffer.concat([makePng(4, 4), text.encode(`<html>${script}</html>`)]);
    const { bytes } = await roundTrip(png);
    expect(Buffer.from(bytes).includes("script")).toBe(false);
  });

  test("a sound with a page in it is served as a sound", async () => {
    const wav = Buffer.concat([makeWav({ seconds: 0.1 }), text.encode(`<html>${script}</html>`)]);
    const { headers } = await roundTrip(wav, "x.html");
    expect(headers.get("content-type")).toBe("audio/wav");
  });
});

const place = "48.137 N, 11.575 E";

/** A segment of EXIF, and bytes between it and the next one. */
async function withPlace(between: number[], before: number[] = []) {
  const jpeg = Buffer.from(await picture("grey.jpg"));
  const exif = Buffer.from(`....Exif\0\0MM\0*\0\0\0\b\0\0${place}`);
  exif.writeUInt16BE(0xffe1);
  exif.writeUInt16BE(exif.length - 2, 2);
  const head = [Buffer.from([...before, 0xff, 0xd8]), exif, Buffer.from(between)];
  return Buffer.concat([...head, jpeg.subarray(2)]);
}

function pngWithBrokenChunk() {
  const png = Buffer.from(makePng(8, 8));
  const chunk = Buffer.concat([Buffer.alloc(4), Buffer.from(`tEXt${place}`), Buffer.alloc(4)]);
  chunk.writeUInt32BE(place.length);
  const broken = Buffer.from([0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0]);
  return Buffer.concat([png.subarray(0, 33), chunk, broken, png.subarray(33)]);
}

describe("metadata goes from a picture with bytes that are of no part of it", () => {
  test.each<[string, "image" | "file", () => Promise<Uint8Array> | Uint8Array]>([
    ["between two segments", "image", () => withPlace([0, 0, 0])],
    ["that look like a marker", "image", () => withPlace([0xff, 0])],
    ["that restart nothing", "image", () => withPlace([0xff, 0xd0, 0xff, 0xd7])],
    ["that begin it twice", "file", () => withPlace([], [0xff, 0xd8])],
    [
      "in place of the rest",
      "file",
      async () => (await withPlace(Array(99).fill(7))).subarray(0, 150),
    ],
    ["in a PNG", "file", pngWithBrokenChunk],
    ["in a GIF", "file", () => Buffer.from(`GIF89a1111000!\xfe\x12${place}\0\x99??`, "latin1")],
  ])("%s", async (_, kind, make) => {
    const { attachment, bytes } = await roundTrip(await make());
    expect(attachment.kind).toBe(kind);
    expect(Buffer.from(bytes).includes(place)).toBe(false);
  });

  test("but a file that only begins like one stays as it is", async () => {
    for (const begin of [
      "\xff\xd8\xff",
      "\xff\xd8\xff\xd8\xff ... \xff\xff..",
      "GIF89a=1;alert(1)//",
    ]) {
      const made = Buffer.from(begin, "latin1");
      expect(Buffer.from((await roundTrip(made)).bytes).equals(made)).toBe(true);
    }
  });
});

describe("what is cut off or lies is kept as a file, or shown as it is", () => {
  test.each<[string, () => Promise<Uint8Array> | Uint8Array, string]>([
    ["a PNG of 65,535 rows", () => lyingPng(8, 65_535), "file"],
    ["a PNG of 65,535 columns", () => lyingPng(65_535, 8), "file"],
    ["the signature of a PNG", () => makePng(2, 2).subarray(0, 8), "file"],
    ["a PNG without its end", () => makePng(2, 2).subarray(0, -12), "file"],
    ["a JPEG of two bytes", () => Buffer.from("ffd8", "hex"), "file"],
    ["a JPEG of a segment that is too long", () => Buffer.from("ffd8ffe0ffff4a46", "hex"), "file"],
    ["half a CMYK photo", async () => (await picture("cmyk.jpg")).subarray(0, 240), "file"],
    ["half a WebP", async () => (await picture("lossless.webp")).subarray(0, 40), "file"],
    ["half a video", async () => (await recordingOf("picture.mp4")).subarray(0, 700), "video"],
    ["half a recording", async () => (await recordingOf("opus.ogg")).subarray(0, 900), "audio"],
    ["a video whose data claims 2 GiB", () => lyingVideo("mdat", 0x7fffffff), "video"],
    ["a video whose table claims a size of 64 bits", () => lyingVideo("moov", 1), "video"],
    ["a WAV of no samples", () => makeWav({ seconds: 0 }), "audio"],
    ["a PNG whose colour profile grows to 100 MB", () => withProfile(deflateSync(zeros)), "file"],
    ["a PNG whose colour profile is 4 MB of noise", () => withProfile(randomBytes(4e6)), "image"],
    ["a JPEG that lacks its restart markers", () => withRestartInterval(), "image"],
    ["a WebP whose transparency is cut off", () => withCutTransparency(), "file"],
    ["an empty archive", () => Buffer.from(`504b0506${"00".repeat(18)}`, "hex"), "file"],
  ])("%s", async (_, make, kind) => {
    const { attachment } = await roundTrip(await make());
    expect(attachment.kind).toBe(kind as typeof attachment.kind);
  });
});

const zeros = Buffer.alloc(100_000_000);

/** A video with a box that claims another size. */
async function lyingVideo(box: string, size: number) {
  const bytes = Buffer.from(await recordingOf("picture.mp4"));
  bytes.writeUInt32BE(size, bytes.indexOf(box) - 4);
  return bytes;
}

/** @param profile as it is compressed in the file */
const withProfile = (profile: Uint8Array) =>
  makePng(8, 8, { more: [["iCCP", Buffer.concat([text.encode("x\0\0"), profile])]] });

/** A JPEG that announces a restart marker after every block and has none. */
async function withRestartInterval() {
  const bytes = Buffer.from(await picture("grey.jpg"));
  const scan = bytes.indexOf(Buffer.from("ffda", "hex"));
  const interval = Buffer.from("ffdd00040001", "hex");
  return Buffer.concat([bytes.subarray(0, scan), interval, bytes.subarray(scan)]);
}

/** A WebP whose chunk of transparency claims more bytes than follow. */
async function withCutTransparency() {
  const bytes = await picture("lossless.webp");
  const features = Buffer.from("565038580a000000100000001f0000170000", "hex");
  const transparency = Buffer.from("414c504888130000", "hex");
  const riff = bytes.subarray(0, 12);
  const cut = Buffer.concat([riff, features, transparency, bytes.subarray(12)]);
  cut.writeUInt32LE(cut.length - 8, 4);
  return cut;
}
