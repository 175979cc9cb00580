// The duration of a movie is read from its header, without the rest of the file.
import { expect, test } from "bun:test";
import { movieMs } from "../../src/attachments/movie-duration.ts";

function box(type: string, content: Uint8Array, isLong = false): Buffer {
  const head = Buffer.alloc(isLong ? 16 : 8);
  head.writeUInt32BE(isLong ? 1 : content.length + 8, 0);
  head.write(type, 4, "latin1");
  if (isLong) head.writeBigUInt64BE(BigInt(content.length + 16), 8);
  return Buffer.concat([head, content]);
}

function movie(units: number, timescale: number, version = 0): Buffer {
  const header = Buffer.alloc(100);
  header[0] = version;
  header.writeUInt32BE(timescale, version === 1 ? 20 : 12);
  if (version === 1) header.writeBigUInt64BE(BigInt(units), 24);
  else header.writeUInt32BE(units, 16);
  return box("moov", box("mvhd", header));
}

const file = (...boxes: Buffer[]) => Buffer.concat([box("ftyp", Buffer.from("isom")), ...boxes]);

test.each<[what: string, bytes: Buffer, ms: number | undefined]>([
  ["at the beginning", file(movie(90_500, 1_000), box("mdat", Buffer.alloc(5_000))), 90_500],
  ["at the end", file(box("mdat", Buffer.alloc(100_000)), movie(30, 10)), 3_000],
  [
    "with 64-bit times, behind a long box",
    file(box("mdat", Buffer.alloc(9), true), movie(6e9, 1e6, 1)),
    6_000_000,
  ],
  ["without a duration", file(movie(0, 1_000)), undefined],
  ["with a duration that is not known", file(movie(0xff_ff_ff_ff, 1_000)), undefined],
  ["without a timescale", file(movie(10, 0)), undefined],
  [
    "behind a box that lies",
    file(Buffer.from("\0\0\0\x02mdatxxxxxxxx", "latin1"), movie(1, 1)),
    undefined,
  ],
  ["that is cut off", file(movie(10, 1)).subarray(0, 40), undefined],
  ["in nothing", Buffer.alloc(0), undefined],
])("a header %s", async (_, bytes, ms) => {
  let asked = 0;
  const found = await movieMs(bytes.length, async ({ start, end }) => {
    asked += end - start;
    return bytes.subarray(start, end);
  });
  expect(found).toBe(ms as number);
  expect(asked).toBeLessThan(200);
});
