// Voice messages: what is taken for one, how long it is, and how it looks.
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readRecording } from "../../src/attachments/voice/read-recording.ts";
import { Recordings } from "../../src/attachments/voice/recordings.ts";
import { expectInvalid, expectProblem } from "../http/refusals.ts";
import { useWorld, type Person } from "../world/world.ts";
import { ask, download, uploaded, uploadPath } from "./files.ts";
import { makeWav, recordingOf } from "./made-recordings.ts";

setDefaultTimeout(20_000);

const world = useWorld();
let ann: Person;
let chatId: number;
beforeAll(async () => {
  ann = await world.person("ann");
  chatId = (await ann.chat()).id;
});

const voice = (body: Bun.BodyInit, name = "Voice message") =>
  uploaded(world, ann, chatId, body, { kind: "voice", name });
const refused = (body: Bun.BodyInit) =>
  ask(world, ann, "POST", uploadPath(chatId, { kind: "voice" }), {
    body,
    headers: { "content-type": "audio/webm" },
  });
/** The mean of a third of a waveform. */
function third(waveform: number[] = [], n: number): number {
  const bars = waveform.slice(1 + n * 21, 20 + n * 21);
  return bars.reduce((sum, bar) => sum + bar, 0) / bars.length;
}

describe("a voice message", () => {
  test.each([
    ["opus.webm", "audio/webm"],
    ["opus.ogg", "audio/ogg"],
    ["tone.mp3", "audio/mpeg"],
  ])("of %s has its duration and a waveform", async (name, mediaType) => {
    const bytes = await recordingOf(name);
    const attachment = await voice(bytes);
    expect(attachment).toMatchObject({ kind: "voice", media_type: mediaType, size: bytes.length });
    expect(Math.abs((attachment.duration_ms ?? 0) - 3_000)).toBeLessThan(50);
    const { waveform } = attachment;
    expect(waveform).toHaveLength(64);
    expect(Math.max(...(waveform ?? []))).toBe(100);
    expect(third(waveform, 0)).toBeWithin(5, 20);
    expect(third(waveform, 1)).toBeGreaterThan(85);
    expect(third(waveform, 2)).toBeLessThan(5);
  });

  test.each([
    ["aac.m4a", "audio/mp4", 3_064],
    ["fragmented.m4a", "audio/mp4", 3_064],
    ["vorbis.ogg", "audio/ogg", 3_000],
  ])(
    "of %s, which is not decoded, has its duration and no waveform",
    async (name, mediaType, ms) => {
      const { kind, media_type, duration_ms, waveform } = await voice(await recordingOf(name));
      expect([kind, media_type, duration_ms]).toEqual(["voice", mediaType, ms]);
      expect(waveform).toBeUndefined();
    },
  );

  test.each([
    [{ bits: 8 }],
    [{ bits: 16, channels: 2, rate: 44_100 }],
    [{ bits: 24 }],
    [{ bits: 32 }],
    [{ bits: 32, format: 3 }],
  ])("of a WAV of %o has a waveform", async (options) => {
    const sound = (second: number) => (second < 0.5 ? 0 : Math.sin(second * 3_000));
    const { duration_ms, waveform = [] } = await voice(makeWav({ ...options, sound }));
    expect(duration_ms).toBe(1_000);
    expect(waveform.slice(1, 31).every((bar) => bar <= 2)).toBe(true);
    expect(waveform.slice(33, 63).every((bar) => bar > 80)).toBe(true);
  });

  test("of a WAV in another format has its duration, and one that is silent is flat", async () => {
    const law = await voice(makeWav({ format: 7, bits: 8, sound: () => 0.3 }));
    expect(law.duration_ms).toBe(1_000);
    expect(law.waveform).toBeUndefined();
    const { waveform } = await voice(makeWav({ sound: () => 0, seconds: 0.2 }));
    expect(waveform).toEqual(Array.from({ length: 64 }, () => 0));
  });

  test("is played by its type, inline and by ranges, and is in the gallery by its kind", async () => {
    const bytes = await recordingOf("opus.webm");
    const { id, url } = await voice(bytes, "Voice message.webm");
    const message = { content: "", attachment_ids: [id] };
    const sent = await ann.api("POST", `/api/chats/${chatId}/messages`, message);
    expect(sent.body.attachments[0]).toMatchObject({ kind: "voice", waveform: expect.any(Array) });
    const answer = await download(world, ann, url, { range: "bytes=0-99" });
    expect([answer.status, answer.bytes.length]).toEqual([206, 100]);
    expect(answer.headers.get("content-type")).toBe("audio/webm");
    expect(answer.headers.get("content-disposition")).toStartWith("inline");
    const { body } = await ann.api("GET", `/api/chats/${chatId}/attachments?kind=voice`);
    expect(body.items.map((item: { attachment: { id: number } }) => item.attachment.id)).toContain(
      id,
    );
  });

  test("and a file of the same bytes are two, each of which is stored once", async () => {
    const wav = makeWav({ seconds: 0.3 });
    const file = await uploaded(world, ann, chatId, wav, { name: "a.wav" });
    const [one, two] = [await voice(wav), await voice(wav)];
    expect([file.kind, one.kind, two.kind]).toEqual(["audio", "voice", "voice"]);
    expect(file.waveform).toBeUndefined();
    expect(two).toMatchObject({ waveform: one.waveform, duration_ms: one.duration_ms });
    const stored = await world.sql`
      select kind from stored_files where chat_id = ${chatId} and sha256 = ${Buffer.from(one.sha256, "hex")} order by kind
    `;
    expect(stored.map(({ kind }) => kind)).toEqual(["audio", "voice"]);
  });

  test("can be uploaded in parts", async () => {
    const wav = makeWav({ seconds: 0.5 });
    const path = `/api/chats/${chatId}/attachments/uploads`;
    const input = { name: "a.wav", size: wav.length, kind: "voice" };
    const { upload_id } = (await ann.api("POST", path, input)).body;
    await ask(world, ann, "PUT", `${path}/${upload_id}?offset=0`, { body: wav });
    const { body } = await ann.api("POST", `${path}/${upload_id}/complete`);
    expect(body).toMatchObject({ kind: "voice", duration_ms: 500 });
    const large = { ...input, size: 32 * 1024 * 1024 + 1 };
    expectProblem(await ann.api("POST", path, large), 413, "too_large");
    expectInvalid(await ann.api("POST", path, { ...input, kind: "music" }), "/kind");
  });
});

describe("what is no voice message", () => {
  test.each<[string, () => Promise<Bun.BodyInit>]>([
    ["a video as WebM", () => recordingOf("picture.webm")],
    ["a video as MP4", () => recordingOf("picture.mp4")],
    ["a text", async () => "hello"],
    ["a WAV without sound", async () => makeWav({ seconds: 0 })],
    ["a WAV of no channels", async () => makeWav({ channels: 0 })],
    [
      "a WAV of 16 minutes",
      async () => makeWav({ seconds: 960, rate: 1_000, bits: 8, sound: () => 0 }),
    ],
    ["the header of a WebM", async () => (await recordingOf("opus.webm")).slice(0, 300)],
    ["the header of an Ogg", async () => (await recordingOf("opus.ogg")).slice(0, 120)],
    ["the header of an MP4", async () => (await recordingOf("aac.m4a")).slice(0, 40)],
    ["a page", async () => "<html><script>alert(1)</script></html>"],
  ])("%s is refused, and leaves nothing behind", async (_, body) => {
    const answer = await refused(await body());
    expectInvalid(answer, "");
    expect(answer.body.detail).toMatch(/file\.$/);
    const pending = await world.sql`select 1 from file_removals where is_pending`;
    expect(pending).toBeEmpty();
  });

  test("a recording above 32 MB is refused with the limit", async () => {
    const answer = await refused(new Uint8Array(32 * 1024 * 1024 + 1));
    expectProblem(answer, 413, "too_large");
    expect(answer.body.detail).toContain("32 MB");
    expectInvalid(
      await ask(world, ann, "POST", `/api/chats/${chatId}/attachments?kind=image`, { body: "x" }),
      "/kind",
    );
  });
});

test("damaged recordings are refused or shown shorter, and nothing else happens", async () => {
  const types = {
    "opus.webm": "video/webm",
    "opus.ogg": "audio/ogg",
    "aac.m4a": "audio/mp4",
    "fragmented.m4a": "audio/mp4",
    "tone.mp3": "audio/mpeg",
    "vorbis.ogg": "audio/ogg",
  };
  let shown = 0;
  let random = 7;
  const next = (below: number) => (random = (random * 48_271) % 2_147_483_647) % below;
  for (const [name, mediaType] of Object.entries(types)) {
    const whole = await recordingOf(name);
    for (let round = 0; round < 3; round += 1) {
      const bytes = whole.slice(0, round % 2 === 0 ? whole.length : next(whole.length));
      for (let n = 0; n < 2 * round; n += 1)
        if (bytes.length > 0) bytes[next(bytes.length)] = next(256);
      const recording = await readRecording(mediaType, bytes, 900).catch((error: unknown) => {
        expect(error).toBeInstanceOf(Error);
        return undefined;
      });
      if (!recording) continue;
      shown += 1;
      expect(recording.durationMs).toBeWithin(1, 900_001);
      if (!recording.waveform) continue;
      expect(recording.waveform).toHaveLength(64);
      expect(
        recording.waveform.every((bar) => Number.isInteger(bar) && bar >= 0 && bar <= 100),
      ).toBe(true);
    }
  }
  expect(shown).toBeGreaterThan(5);
});

test.each(["stuck", "broken"])(
  "a recording whose worker is %s is refused, and the next one has another worker",
  async (name) => {
    const wav = makeWav({ seconds: 0.3 });
    const worker = new URL(`./${name}-worker.ts`, import.meta.url);
    const recordings = new Recordings({ timeoutMs: name === "stuck" ? 50 : 30_000, worker });
    for (let tries = 0; tries < 2; tries += 1) {
      const read = recordings.read("audio/wav", async () => wav);
      await expect(read).rejects.toMatchObject({ code: "invalid" });
    }
  },
);

test("recordings are read one after another", async () => {
  const wav = makeWav({ seconds: 0.3 });
  const recordings = new Recordings();
  const both = [1, 2].map(() => recordings.read("audio/wav", async () => wav));
  expect(await Promise.all(both)).toMatchObject([{ durationMs: 300 }, { durationMs: 300 }]);
});
