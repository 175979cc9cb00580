// The store in a bucket, with a real S3-speaking server. `bun run check` installs it; a run of this file alone skips without it.
import { afterAll, beforeAll, describe, expect } from "bun:test";
import { readConfig } from "../../src/config/config.ts";
import { openFileStore } from "../../src/file-store/open-store.ts";
import { purgeFiles } from "../../src/attachments/purge.ts";
import { startWorld, type World } from "../world/world.ts";
import { download, send, sha256, uploaded } from "./files.ts";
import { makePng } from "./made-files.ts";
import { isInstalled, startS3Server } from "./s3-server.ts";
import { longTest, test } from "../world/long.ts";

describe.skipIf(!isInstalled)("an S3 store", () => {
  let server: Awaited<ReturnType<typeof startS3Server>>;
  let proxied: World;
  let signed: World;
  beforeAll(async () => {
    server = await startS3Server();
    [proxied, signed] = [
      await startWorld({ env: server.env }),
      await startWorld({ env: { ...server.env, FILES_VIA: "signed" } }),
    ];
  });
  afterAll(async () => {
    await proxied.stop();
    await signed.stop();
    await server.stop();
  });

  longTest(
    "keeps large files and pictures, gives ranges, and removes what was deleted",
    async () => {
      const ann = await proxied.person("ann");
      const { id: chatId } = await ann.chat();
      const bytes = crypto.getRandomValues(new Uint8Array(60_000));
      const whole = Buffer.concat(Array.from({ length: 200 }, () => bytes));
      const file = await uploaded(proxied, ann, chatId, whole, { name: "large.bin" });
      expect(file.sha256).toBe(sha256(whole));
      expect(sha256((await download(proxied, ann, file.url)).bytes)).toBe(sha256(whole));
      const range = await download(proxied, ann, file.url, { range: "bytes=11999990-" });
      expect([range.status, sha256(range.bytes)]).toEqual([206, sha256(whole.subarray(-10))]);
      const picture = await uploaded(proxied, ann, chatId, makePng(50, 40));
      expect((await download(proxied, ann, `${picture.url}/thumbnails/256`)).status).toBe(200);
      const head = await send(proxied, ann, "HEAD", file.url);
      expect([head.status, head.headers.get("content-length")]).toEqual([200, "12000000"]);
      const [row] = await proxied.sql`select key from stored_files where size = 12000000`;
      await ann.api("DELETE", `/api/chats/${chatId}/attachments/${file.id}`);
      await purgeFiles(proxied.ctx);
      expect(await proxied.ctx.files.read(String(row?.key))).toBeUndefined();
    },
  );

  test("has nothing of an upload that broke off", async () => {
    const key = crypto.randomUUID();
    async function* broken() {
      for (let n = 0; n < 12; n += 1) yield new Uint8Array(1024 * 1024);
      throw new Error("the client has left");
    }
    const { files } = proxied.ctx;
    const failure = await files.write(key, broken()).then(
      () => "stored",
      (error: Error) => error.message,
    );
    expect(failure).toBe("the client has left");
    expect(await files.read(key)).toBeUndefined();
    await files.remove(key);
  });

  test("hands downloads over with an address that ends after a minute", async () => {
    const ann = await signed.person("ann");
    const { id: chatId } = await ann.chat();
    const file = await uploaded(signed, ann, chatId, "hello", { name: "ü.txt" });
    const answer = await fetch(signed.url + file.url, {
      headers: { authorization: `Bearer ${ann.token}` },
      redirect: "manual",
    });
    expect(answer.status).toBe(302);
    const address = new URL(answer.headers.get("location") ?? "");
    expect(address.searchParams.get("X-Amz-Expires")).toBe("60");
    const got = await fetch(address);
    expect([got.status, await got.text()]).toEqual([200, "hello"]);
    expect(got.headers.get("content-disposition")).toStartWith("attachment;");
    expect(got.headers.get("content-type")).toStartWith("text/plain");
    // The address is signed for GET alone.
    const head = await fetch(signed.url + file.url, {
      method: "HEAD",
      headers: { authorization: `Bearer ${ann.token}` },
      redirect: "manual",
    });
    expect([head.status, head.headers.get("content-length")]).toEqual([200, "5"]);
    const stranger = await signed.person("stranger");
    expect((await send(signed, stranger, "GET", file.url)).status).toBe(404);
  });

  test("is checked at the start, with a sentence for the operator", async () => {
    await openFileStore(readConfig({ NODE_ENV: "test", ...server.env })).check();
    const wrong = { S3_BUCKET: "none" };
    const store = openFileStore(readConfig({ NODE_ENV: "test", ...server.env, ...wrong }));
    const failure = await store.check().then(
      () => "fine",
      (error: Error) => error.message,
    );
    expect(failure).toStartWith("The S3 store cannot be used; check S3_ENDPOINT, S3_BUCKET");
    const unreachable = { S3_ENDPOINT: "http://127.0.0.1:1" };
    const gone = openFileStore(readConfig({ NODE_ENV: "test", ...server.env, ...unreachable }));
    expect(gone.check()).rejects.toThrow("cannot be used");
    async function* byte() {
      yield new Uint8Array([1]);
    }
    expect(gone.write("a", byte())).rejects.toMatchObject({ code: "unavailable" });
    expect(gone.read("a")).rejects.toMatchObject({ code: "unavailable" });
  });
});

test("settings of S3 that lack others are refused", () => {
  const faults = (env: Record<string, string>) => {
    try {
      readConfig(env);
      return "none";
    } catch (error) {
      return String(error);
    }
  };
  expect(faults({ S3_BUCKET: "a" })).toMatch(/S3_ACCESS_KEY_ID.*\n.*S3_SECRET_ACCESS_KEY/);
  expect(faults({ S3_ENDPOINT: "http://a" })).toContain("S3_BUCKET: must be set");
  expect(faults({ FILES_VIA: "signed" })).toContain("FILES_VIA");
});
