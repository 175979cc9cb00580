// Files that Gemini keeps, through the real SDK against the emulator.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { createGeminiFiles } from "../../../src/model/gemini/files.ts";
import { FilesRefused, ModelError, type Prompt } from "../../../src/model/stream-answer.ts";
import { answer, finish, refuse, say } from "../../world/gemini/script.ts";
import { apiKey, neverAborted, prompt, startAsking, type Asking } from "../../answers/asking.ts";

let asking: Asking;
beforeEach(() => void (asking = startAsking()));
afterEach(() => asking.stop());

const bytes = new TextEncoder().encode("%PDF-1.7 some bytes");
const mediaType = "application/pdf";

function files() {
  const baseUrl = asking.emulator.url;
  const log = { warn: () => {} };
  return createGeminiFiles({ apiKey, baseUrl, log, backoffMs: 1, pollMs: 1 });
}

function upload(signal = neverAborted, content = bytes) {
  const name = files().newName();
  return { name, stored: files().upload(fileOf(name, content), signal) };
}

function fileOf(name: string, content = bytes, onRead = (_bytes: number) => {}) {
  const read = async (start: number, end: number) => {
    onRead(end - start);
    return content.slice(start, end);
  };
  return { name, mediaType, size: content.length, read };
}

test("a file is uploaded under the name that was given, and removed", async () => {
  const { name, stored } = upload();
  const { uri, expiresAt } = await stored;
  expect(uri).toEndWith(name);
  expect(expiresAt.getTime()).toBeGreaterThan(Date.now());
  expect(asking.emulator.files.all.get(name)).toMatchObject({ mediaType, bytes });
  await files().remove(name);
  expect(asking.emulator.files.all.size).toBe(0);
  await files().remove(name);
});

test("a large file is read and uploaded in parts", async () => {
  const large = new Uint8Array(20 * 1024 * 1024).fill(7);
  const name = files().newName();
  const reads: number[] = [];
  await files().upload(
    fileOf(name, large, (length) => reads.push(length)),
    neverAborted,
  );
  const found = asking.emulator.files.all.get(name)?.bytes ?? new Uint8Array();
  expect(Buffer.from(found).equals(large)).toBe(true);
  expect(reads).toEqual([8, 8, 4].map((megabytes) => megabytes * 1024 * 1024));
});

test("a file that is being processed is waited for, and one that fails is refused", async () => {
  asking.emulator.files.meet({ looks: 3 }, { looks: 2, processedAs: "FAILED" });
  const { name, stored } = upload();
  await stored;
  expect(asking.emulator.files.all.get(name)?.state).toBe("ACTIVE");
  await expect(upload().stored).rejects.toThrow(ModelError);
});

test("an upload is tried again where that may help", async () => {
  asking.emulator.files.meet({ refusal: refuse(503) }, {}, { refusal: refuse(400) });
  await upload().stored;
  await expect(upload().stored).rejects.toThrow(ModelError);
  expect(asking.emulator.files.uploaded.length).toBe(1);
});

test("an upload is not tried again where Gemini asks to wait for long", async () => {
  for (const retryAfter of ["3600", "99999999999"]) {
    asking.emulator.files.meet({ refusal: refuse(429, { retryAfter }) });
    await expect(upload(AbortSignal.timeout(2_000)).stored).rejects.toThrow("too many questions");
  }
  expect(asking.emulator.files.uploaded).toEqual([]);
});

test("an upload whose reply was lost is found", async () => {
  const { name, stored } = upload();
  await stored;
  await files().upload(fileOf(name), neverAborted);
  expect(asking.emulator.files.uploaded).toEqual([name]);
});

test("an abort ends an upload that hangs, or that is processed for ever", async () => {
  const aborted = new AbortController();
  asking.emulator.files.meet({ until: () => new Promise(() => {}) });
  const { stored } = upload(aborted.signal);
  aborted.abort(new Error("enough"));
  await expect(stored).rejects.toThrow("enough");
  asking.emulator.files.meet({ looks: Infinity });
  await expect(upload(AbortSignal.timeout(20)).stored).rejects.toThrow("timed out");
});

test("a removal that fails is told", async () => {
  asking.emulator.files.deletionRefusals.push(refuse(500));
  await expect(files().remove("files/x")).rejects.toThrow(ModelError);
});

const withFile = (uri: string): Prompt => ({
  ...prompt,
  turns: [
    {
      role: "user",
      text: "Look: what is it?",
      files: [
        { at: 0, mediaType: "image/png", source: { bytes: new Uint8Array([1, 2]) } },
        { at: 6, mediaType, source: { uri } },
      ],
    },
  ],
});

test("files stand at their places between the pieces of the text", async () => {
  const { uri } = await upload().stored;
  asking.emulator.respondWith(answer(say("ok"), finish()));
  await Array.fromAsync(asking.createModel()(withFile(uri), neverAborted));
  expect(asking.emulator.requests[0]?.body.contents).toEqual([
    {
      role: "user",
      parts: [
        { inlineData: { data: "AQI=", mimeType: "image/png" } },
        { text: "Look: " },
        { fileData: { fileUri: uri, mimeType: mediaType } },
        { text: "what is it?" },
      ],
    },
  ]);
});

const refusal = async (uri: string) => {
  try {
    await Array.fromAsync(asking.createModel()(withFile(uri), neverAborted));
  } catch (error) {
    if (error instanceof FilesRefused) return error.reason;
    throw error;
  }
  return "none";
};

test("a request with a file that has expired or cannot be read says so, and any other refusal is the key's", async () => {
  const { uri } = await upload().stored;
  asking.emulator.files.expireAll();
  expect(await refusal(uri)).toBe("unknown");
  const other = await upload().stored;
  for (const message of [
    "Unable to process input image. Please retry.",
    "The document has no pages.",
    "Unsupported MIME type: application/x",
  ]) {
    asking.emulator.respondWith(refuse(400, { message }));
    expect([message, await refusal(other.uri)]).toEqual([message, "unreadable"]);
  }
  asking.emulator.respondWith(refuse(403, { message: "Permission denied on the consumer." }));
  await expect(refusal(other.uri)).rejects.toThrow("GEMINI_API_KEY");
});
