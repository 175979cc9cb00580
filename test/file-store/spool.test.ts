// Files on their way to a bucket.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Spool } from "../../src/file-store/spool.ts";
import { removeFolder } from "../world/folder.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gemini-coop-spool-"));
});
afterAll(() => removeFolder(folder));

async function* chunksOf(...texts: string[]) {
  for (const text of texts) yield new TextEncoder().encode(text);
}

const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => "none",
    (error: Error) => error.message,
  );

test("a file on its way has all of its bytes, and no name in the folder", async () => {
  const held = await new Spool(folder).hold(chunksOf("he", "", "llo"), async (file) => [
    await file.text(),
    readdirSync(folder),
  ]);
  expect(held).toEqual(["hello", []]);
});

test("where a file needs a name, it loses it when it has arrived, and when it has failed", async () => {
  const spool = new Spool(folder, { hasNames: true });
  expect(await spool.hold(chunksOf("hel", "lo"), (file) => file.text())).toBe("hello");
  expect(readdirSync(folder)).toEqual([]);
  const failure = await failureOf(
    spool.hold(chunksOf("hello"), () => Promise.reject(new Error("the store is away"))),
  );
  expect([failure, readdirSync(folder)]).toEqual(["the store is away", []]);
});

test("a file whose chunks fail is not used", async () => {
  async function* broken() {
    yield* chunksOf("half");
    throw new Error("the client has left");
  }
  let isUsed = false;
  const failure = await failureOf(
    new Spool(folder).hold(broken(), async () => {
      isUsed = true;
    }),
  );
  expect([failure, isUsed, readdirSync(folder)]).toEqual(["the client has left", false, []]);
});

test("bytes above the limit are refused until others have arrived or failed", async () => {
  const spool = new Spool(folder, { bytesMax: 10 });
  await spool.hold(chunksOf("123456"), async () => {
    expect(await failureOf(spool.hold(chunksOf("123", "45"), async () => {}))).toBe(
      "unavailable: Too many files are being stored. Try again soon.",
    );
    expect(await spool.hold(chunksOf("1234"), (file) => file.text())).toBe("1234");
  });
  expect(await spool.hold(chunksOf("1234567890"), (file) => file.text())).toBe("1234567890");
});
