// The orientation in EXIF data, which is a TIFF file (EXIF 2.32 §4.6).

const orientationTag = 0x0112;
const entryBytes = 12;

/** @param tiff EXIF data from its byte order on @returns 1 to 8; 1 where nothing valid is said */
export function orientationOf(tiff: Uint8Array): number {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  if (view.byteLength < 8) return 1;
  const order = view.getUint16(0);
  if (order !== 0x4949 && order !== 0x4d4d) return 1;
  const isLittle = order === 0x4949;
  const start = view.getUint32(4, isLittle);
  if (start + 2 > view.byteLength) return 1;
  const count = view.getUint16(start, isLittle);
  for (let entry = 0; entry < count; entry += 1) {
    const at = start + 2 + entry * entryBytes;
    if (at + entryBytes > view.byteLength) return 1;
    if (view.getUint16(at, isLittle) !== orientationTag) continue;
    const value = view.getUint16(at + 8, isLittle);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

/** EXIF data in an APP1 segment of JPEG, with nothing but an orientation. */
export function orientationSegment(orientation: number): Uint8Array {
  const header = [
    0xff,
    0xe1,
    0,
    34,
    ...Buffer.from("Exif\0\0"),
    0x4d,
    0x4d,
    0,
    42,
    0,
    0,
    0,
    8,
    0,
    1,
  ];
  const entry = [orientationTag >> 8, orientationTag & 255, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0];
  return new Uint8Array([...header, ...entry, 0, 0, 0, 0]);
}
