// HEIF and TIFF files that tests make byte by byte, with a place in their metadata. Their pixels are a text.
import { exif, secretPlace } from "./made-files.ts";

const ascii = (text: string) => Buffer.from(text, "latin1");

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function box(type: string, ...content: Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([u32(8 + body.length), ascii(type), body]);
}

const itemInfo = (id: number, type: string) =>
  box("infe", u32(0x02_00_00_00), u16(id), u16(0), ascii(type), Buffer.from([0]));

/**
 * A HEIC or AVIF with an image, EXIF and XMP.
 * @param inBox whether the metadata stands in a box of the header instead of behind it
 */
export function makeHeif(brand: string, { inBox = false } = {}): Uint8Array {
  const pixels = ascii("the pixels");
  const metadata = [
    Buffer.concat([u32(0), exif(6)]),
    ascii(`<x:xmpmeta>${secretPlace}</x:xmpmeta>`),
  ];
  const ftyp = box("ftyp", ascii(brand), u32(0), ascii(brand), ascii("mif1"));
  const info = box(
    "iinf",
    u32(0),
    u16(3),
    ...[itemInfo(1, "av01"), itemInfo(2, "Exif"), itemInfo(3, "mime")],
  );
  const idat = inBox ? [box("idat", ...metadata)] : [];
  const place = (id: number, method: number, offset: number, length: number) =>
    Buffer.concat([u16(id), u16(method), u16(0), u16(1), u32(offset), u32(length)]);
  const metaOf = (dataAt: number) => {
    const [exifData, xmp] = metadata;
    const method = inBox ? 1 : 0;
    const at = inBox ? 0 : dataAt + pixels.length;
    const exifLength = exifData?.length ?? 0;
    const places = [
      place(1, 0, dataAt, pixels.length),
      place(2, method, at, exifLength),
      place(3, method, at + exifLength, xmp?.length ?? 0),
    ];
    const iloc = box("iloc", u32(0x01_00_00_00), Buffer.from([0x44, 0x00]), u16(3), ...places);
    return box("meta", u32(0), info, iloc, ...idat);
  };
  const dataAt = ftyp.length + metaOf(0).length + 8;
  const data = box("mdat", pixels, ...(inBox ? [] : metadata));
  return new Uint8Array(Buffer.concat([ftyp, metaOf(dataAt), data]));
}

/** A TIFF with a description, and directories of EXIF and GPS. */
export function makeTiff({ isLittle }: { isLittle: boolean }): Uint8Array {
  const tiff = Buffer.alloc(400);
  const [write16, write32] = isLittle
    ? [tiff.writeUInt16LE.bind(tiff), tiff.writeUInt32LE.bind(tiff)]
    : [tiff.writeUInt16BE.bind(tiff), tiff.writeUInt32BE.bind(tiff)];
  const directory = (
    at: number,
    entries: [tag: number, type: number, count: number, value: number][],
  ) => {
    write16(entries.length, at);
    entries.forEach(([tag, type, count, value], n) => {
      const entry = at + 2 + n * 12;
      write16(tag, entry);
      write16(type, entry + 2);
      write32(count, entry + 4);
      write32(value, entry + 8);
    });
  };
  tiff.write(isLittle ? "II" : "MM");
  write16(42, 2);
  write32(8, 4);
  const length = secretPlace.length;
  directory(8, [
    [256, 4, 1, 1],
    [257, 4, 1, 1],
    [270, 2, length, 200],
    [273, 4, 1, 380],
    [34665, 4, 1, 100],
    [34853, 4, 1, 140],
  ]);
  directory(100, [[37510, 7, length, 240]]);
  directory(140, [[29, 2, length, 280]]);
  for (const at of [200, 240, 280]) tiff.write(secretPlace, at);
  tiff.write("the pixels", 380);
  return new Uint8Array(tiff);
}
