// The duration of sounds that are sent as files is read from their headers.
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { soundMs } from "../../src/attachments/sound-duration.ts";
import { useWorld, type Person } from "../world/world.ts";
import { uploaded } from "./files.ts";
import { makeWav, recordingOf } from "./made-recordings.ts";

setDefaultTimeout(20_000);

const world = useWorld();
let ann: Person;
let chatId: number;
beforeAll(async () => {
  ann = await world.person("ann");
  chatId = (await ann.chat()).id;
});

const msOf = (mediaType: string, bytes: Uint8Array) =>
  soundMs(mediaType, bytes.length, async ({ start, end }) =>
    Buffer.from(bytes.subarray(start, end)),
  );

/** The frames of an MP3 without the one that states their number. */
async function bareMp3(): Promise<Buffer> {
  const mp3 = Buffer.from(await recordingOf("tone.mp3"));
  const stated = Math.max(mp3.indexOf("Xing"), mp3.indexOf("Info"));
  if (stated >= 0) mp3.write("none", stated);
  return mp3;
}

/** The header of a FLAC of 44.1 kHz. */
function flac(samples: number): Buffer {
  const head = Buffer.alloc(64);
  head.write("fLaC");
  head.writeUInt8(34, 7);
  head.writeUIntBE(44_100 << 4, 18, 3);
  head.writeUInt32BE(samples, 22);
  return head;
}

test.each([
  ["tone.mp3", "audio/mpeg"],
  ["opus.ogg", "audio/ogg"],
  ["vorbis.ogg", "audio/ogg"],
  ["aac.m4a", "audio/mp4"],
])("%s that is no voice message has its duration, and no waveform", async (name, mediaType) => {
  const file = await uploaded(world, ann, chatId, await recordingOf(name), { name });
  expect(file).toMatchObject({ kind: "audio", media_type: mediaType });
  expect(file.duration_ms).toBeWithin(2_950, 3_100);
  expect(file.waveform).toBeUndefined();
});

test("a WAV has its duration, and is counted by it in a prompt", async () => {
  const file = await uploaded(world, ann, chatId, makeWav({ seconds: 2.5 }), { name: "a.wav" });
  expect(file).toMatchObject({ kind: "audio", duration_ms: 2_500 });
});

describe("a duration is found", () => {
  test("of an MP3 that does not state its frames, also behind a long tag", async () => {
    const bare = await bareMp3();
    expect(await msOf("audio/mpeg", bare)).toBeWithin(2_900, 3_200);
    const tag = Buffer.alloc(10 + 200_000);
    tag.write("ID3\x04");
    tag.set([0, 200_000 >> 14, (200_000 >> 7) & 127, 200_000 & 127], 6);
    expect(await msOf("audio/mpeg", Buffer.concat([tag, bare]))).toBeWithin(2_900, 3_200);
  });

  test("of a FLAC", async () => {
    expect(await msOf("audio/flac", flac(88_200))).toBe(2_000);
  });

  test("of a WAV whose recorder did not know the length", async () => {
    const wav = Buffer.from(makeWav({ seconds: 1 }));
    wav.writeUInt32LE(0xffffffff, 40);
    expect(await msOf("audio/wav", wav)).toBe(1_000);
  });
});

test.each<[what: string, mediaType: string, bytes: Buffer]>([
  ["an empty file", "audio/mpeg", Buffer.alloc(0)],
  ["an MP3 without a frame", "audio/mpeg", Buffer.alloc(1_000)],
  [
    "a tag that says that it goes on behind the end",
    "audio/mpeg",
    Buffer.from("ID3\x04\0\0\x7f\x7f\x7f\x7f"),
  ],
  ["an Ogg that is cut off", "audio/ogg", Buffer.from("OggS\0\0")],
  ["a WAV without a rate", "audio/wav", Buffer.from(makeWav()).fill(0, 28, 32)],
  ["a WAV that is cut off", "audio/wav", Buffer.from(makeWav()).subarray(0, 30)],
  ["a FLAC without a number of samples", "audio/flac", flac(0)],
  ["a FLAC that is cut off", "audio/flac", flac(9).subarray(0, 30)],
  ["a raw AAC", "audio/aac", Buffer.from([0xff, 0xf1, 0, 0])],
])("%s has no duration, and is no error", async (_, mediaType, bytes) => {
  expect(await msOf(mediaType, bytes)).toBeUndefined();
});
