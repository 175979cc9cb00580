// Uploads in parts, and those that nobody finishes.
import { describe, expect, spyOn, test } from "bun:test";
import { readdirSync } from "node:fs";
import { cleanUpUploads, purgeFiles } from "../../src/attachments/purge.ts";
import { purgeDeletedChats } from "../../src/chats/purge.ts";
import { expectProblem } from "../http/refusals.ts";
import { useWorld, type Person } from "../world/world.ts";
import { ask, download, send, sha256, uploaded, uploadPath } from "./files.ts";

const world = useWorld({
  env: { FILE_BYTES_MAX: "20000000", FILE_BYTES_PER_USER_DAY: "30000000" },
  durations: { purgeMs: 3_600_000 },
});
const partSize = 8 * 1024 * 1024;

function filesInStore(): string[] {
  return readdirSync(`${world.config.dataDir}/files`, { recursive: true, encoding: "utf8" })
    .map((path) => path.split("/")[2] ?? "")
    .filter((key) => key !== "");
}

async function begin(size: number, more: object = {}) {
  const ann = await world.person("ann");
  const { id: chatId } = await ann.chat();
  const uploads = `/api/chats/${chatId}/attachments/uploads`;
  const begun = await ann.api("POST", uploads, { name: "a.bin", size, ...more });
  expect(begun.status).toBe(200);
  const path = `${uploads}/${begun.body.upload_id}`;
  const put = (offset: number, body: Bun.BodyInit) =>
    ask(world, ann, "PUT", `${path}?offset=${offset}`, { body });
  const complete = () => ann.api("POST", `${path}/complete`);
  return { ann, chatId, uploads, path, put, complete, begun: begun.body };
}

describe("an upload in parts", () => {
  test("becomes one file, and goes on where HEAD says", async () => {
    const bytes = crypto.getRandomValues(new Uint8Array(60_000));
    const whole = Buffer.concat(Array.from({ length: 200 }, () => bytes));
    const { ann, path, put, complete, begun } = await begin(whole.length);
    expect(begun).toMatchObject({ part_size: partSize, offset: 0, size: whole.length });
    const first = await put(0, whole.subarray(0, partSize));
    expect(first.body).toEqual({ ...begun, offset: partSize });
    expectProblem(await complete(), 409, "upload_incomplete");
    const head = await send(world, ann, "HEAD", path);
    expect([head.status, head.headers.get("upload-offset")]).toEqual([200, String(partSize)]);
    expect((await put(partSize, whole.subarray(partSize))).body.offset).toBe(whole.length);
    const { body: attachment } = await complete();
    expect(attachment).toMatchObject({ name: "a.bin", sha256: sha256(whole), status: "ready" });
    expect(sha256((await download(world, ann, attachment.url)).bytes)).toBe(sha256(whole));
    expect((await complete()).body).toEqual(attachment);
    expectProblem(await put(whole.length, "x"), 413, "too_large");
  });

  test("leaves the event loop its turns while its parts become one file", async () => {
    const whole = Buffer.alloc(2 * partSize, "a");
    const { put, complete } = await begin(whole.length);
    await put(0, whole.subarray(0, partSize));
    await put(partSize, whole.subarray(partSize));
    let turn = 0;
    let isOver = false;
    const bytesOfTurns: number[] = [];
    const nextTurn = () => {
      turn += 1;
      if (!isOver) setImmediate(nextTurn);
    };
    const { files } = world.ctx;
    const read = files.read.bind(files);
    using _ = spyOn(files, "read").mockImplementation(async (key, range) => {
      const stream = await read(key, range);
      return stream?.pipeThrough(
        new TransformStream<Uint8Array, Uint8Array>({
          transform(chunk, controller) {
            bytesOfTurns[turn] = (bytesOfTurns[turn] ?? 0) + chunk.length;
            controller.enqueue(chunk);
          },
        }),
      );
    });
    nextTurn();
    expect((await complete()).status).toBe(200);
    isOver = true;
    const counted = bytesOfTurns.filter(Boolean);
    expect(counted.reduce((sum, bytes) => sum + bytes, 0)).toBe(whole.length);
    expect(Math.max(...counted)).toBeLessThanOrEqual(2 * 1024 * 1024);
  });

  test("refuses a part in another place, one that is too large, and an empty one", async () => {
    const { ann, path, put } = await begin(20);
    await put(0, "0123456789");
    for (const offset of [0, 5, 11]) {
      expectProblem(await put(offset, "x"), 409, "wrong_offset");
    }
    expectProblem(await put(10, "0123456789x"), 413, "too_large");
    expectProblem(await put(10, ""), 422, "invalid");
    expectProblem(await ask(world, ann, "PUT", path, { body: "x" }), 422, "invalid");
    const { body } = await ann.api("GET", path);
    expect(body.offset).toBe(10);
    const large = await begin(partSize * 2);
    const answer = await large.put(0, new Uint8Array(partSize + 1));
    expectProblem(answer, 413, "too_large");
  });

  test("refuses a form around a part, which would become a piece of the file", async () => {
    const { ann, path, put } = await begin(1_000);
    const form = new FormData();
    form.set("file", new Blob(["01234"]), "part");
    expectProblem(await put(0, form), 415, "unsupported_media_type");
    expect((await ann.api("GET", path)).body.offset).toBe(0);
  });

  test("takes a part with the Content-Type that curl sends by default", async () => {
    const { put } = await begin(1_000);
    const { status, body } = await put(0, new URLSearchParams({ a: "b" }));
    expect([status, body.offset]).toEqual([200, 3]);
  });

  test("becomes one file when it is completed several times at once, and is counted once", async () => {
    const whole = Buffer.alloc(2 * partSize, "a");
    const { ann, put, complete } = await begin(whole.length);
    await put(0, whole.subarray(0, partSize));
    await put(partSize, whole.subarray(partSize));
    const first = complete();
    const others = [0, 5, 20, 80].map((ms) => Bun.sleep(ms).then(complete));
    const { status, body } = await first;
    expect(status).toBe(200);
    for (const other of await Promise.all(others)) {
      expect([other.status, other.body]).toEqual([200, body]);
    }
    const rows = await world.sql`
      select bytes from uploaded_bytes where scope = 'user' and scope_id = ${ann.id}
    `;
    expect([...rows]).toEqual([{ bytes: whole.length }]);
    expect((await complete()).body).toEqual(body);
  });

  test("becomes one file of two requests that have both joined its parts, and is counted once", async () => {
    const { ann, path, put, complete } = await begin(10);
    await put(0, "0123456789");
    const answers = await world.sql.begin(async (sql) => {
      await sql`select id from uploads where id = ${path.split("/").at(-1) ?? ""}::uuid for update`;
      const both = Promise.all([complete(), complete()]);
      await world.untilBlocked(2);
      return { both };
    });
    const [first, second] = await answers.both;
    expect([first?.status, second?.status]).toEqual([200, 200]);
    expect(first?.body).toEqual(second?.body);
    const rows = await world.sql`
      select bytes from uploaded_bytes where scope = 'user' and scope_id = ${ann.id}
    `;
    expect([...rows]).toEqual([{ bytes: 10 }]);
  });

  test("takes one of several parts that come at the same time", async () => {
    const { put } = await begin(10);
    const answers = await Promise.all(Array.from({ length: 8 }, () => put(0, "01234")));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([
      200,
      ...Array<number>(7).fill(409),
    ]);
  });

  test("is its person's alone, and ends when they leave", async () => {
    const { ann, chatId, path } = await begin(1);
    const ben = await world.person("ben");
    await ann.api("POST", `/api/chats/${chatId}/invite`, { username: ben.username });
    expectProblem(await ben.api("GET", path), 404, "not_found");
    await ann.api("PATCH", `/api/chats/${chatId}`, { owner_id: ben.id });
    await ann.api("POST", `/api/chats/${chatId}/leave`);
    expectProblem(await ann.api("GET", path), 404, "not_found");
    expectProblem(
      await ask(world, ann, "PUT", `${path}?offset=0`, { body: "x" }),
      404,
      "not_found",
    );
  });

  test("is refused above the size of a file and of a day, and above a number of unfinished ones", async () => {
    const { ann, uploads } = await begin(1);
    const ask = (size: number) => ann.api("POST", uploads, { name: "a", size });
    expectProblem(await ask(20_000_001), 413, "too_large");
    for (const size of [0, -1, 1.5]) expectProblem(await ask(size), 422, "invalid");
    for (let n = 1; n < 50; n += 1) expect((await ask(1)).status).toBe(200);
    expectProblem(await ask(1), 409, "too_many_uploads");
  });

  test("with a client_id gives the same file for a whole upload of it", async () => {
    const { ann, chatId, put, complete } = await begin(5, { client_id: "once" });
    const whole = await uploaded(world, ann, chatId, "01234", { name: "a.bin", clientId: "once" });
    await put(0, "01234");
    expect((await complete()).body).toEqual(whole);
  });
});

test("a retry of an upload is no more bytes of a day", async () => {
  const ann = await world.person("ann");
  const { id: chatId } = await ann.chat();
  const body = new Uint8Array(16_000_000);
  const first = await uploaded(world, ann, chatId, body, { clientId: "once" });
  expect(await uploaded(world, ann, chatId, body, { clientId: "once" })).toEqual(first);
  const begun = { name: "a", size: body.length, client_id: "once" };
  const uploads = `/api/chats/${chatId}/attachments/uploads`;
  expect((await ann.api("POST", uploads, begun)).status).toBe(200);
  const other = await ask(world, ann, "POST", uploadPath(chatId, { clientId: "other" }), { body });
  expectProblem(other, 429, "quota_exceeded");
});

test("the bytes of a day are counted once, also of uploads at the same time, and no deletion gives them back", async () => {
  const ann = await world.person("ann");
  const { id: chatId } = await ann.chat();
  const upload = (who: Person, n: number) =>
    ask(world, who, "POST", uploadPath(chatId), { body: new Uint8Array(9_000_000).fill(n) });
  const answers = await Promise.all([1, 2, 3, 4, 5].map((n) => upload(ann, n)));
  const refused = answers.filter(({ status }) => status !== 200);
  expect(refused.length).toBe(2);
  for (const answer of refused) {
    expectProblem(answer, 429, "quota_exceeded");
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
  }
  const stored = answers.find(({ status }) => status === 200);
  await ann.api("DELETE", `/api/chats/${chatId}/attachments/${stored?.body.id}`);
  expectProblem(await upload(ann, 6), 429, "quota_exceeded");
});

describe("what nobody wants any more goes", () => {
  test("an unsent file and an unfinished upload after 24 hours, and no earlier", async () => {
    const { ann, chatId, path, put } = await begin(10);
    await put(0, "01234");
    const file = await uploaded(world, ann, chatId, crypto.randomUUID());
    const sent = await uploaded(world, ann, chatId, crypto.randomUUID());
    const message = { content: "", attachment_ids: [sent.id] };
    await ann.api("POST", `/api/chats/${chatId}/messages`, message);
    await world.sql`
      update attachments set created_at = now() - interval '23 hours 59 minutes' where chat_id = ${chatId}
    `;
    await cleanUpUploads(world.ctx);
    expect((await download(world, ann, file.url)).status).toBe(200);
    await world.sql`
      update attachments set created_at = now() - interval '25 hours' where chat_id = ${chatId}
    `;
    await world.sql`update uploads set expires_at = now() where chat_id = ${chatId}`;
    expectProblem(await ann.api("GET", path), 404, "not_found");
    const keys = await keysOf(chatId);
    expect(keys.length).toBe(3);
    await cleanUpUploads(world.ctx);
    await purgeFiles(world.ctx);
    expect((await download(world, ann, file.url)).status).toBe(404);
    expect((await download(world, ann, sent.url)).status).toBe(200);
    expect(filesInStore().filter((key) => keys.includes(key)).length).toBe(1);
  });

  test("a file whose upload broke off, and nothing of it is ever served", async () => {
    const ann = await world.person("ann");
    const { id: chatId } = await ann.chat();
    const before = filesInStore();
    const abort = new AbortController();
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        controller.enqueue(new Uint8Array(100_000));
        if (filesInStore().length > before.length) abort.abort();
      },
    });
    const broken = fetch(world.url + uploadPath(chatId), {
      method: "POST",
      headers: { authorization: `Bearer ${ann.token}` },
      body,
      signal: abort.signal,
    });
    expect(await broken.catch((error: Error) => error.name)).toBe("AbortError");
    while (filesInStore().length > before.length) await purgeFiles(world.ctx);
    const rows = await world.sql`select from attachments where chat_id = ${chatId}`;
    expect(rows.length).toBe(0);
  });

  test("a file that a killed server had written: its name is due after a day", async () => {
    const key = crypto.randomUUID();
    async function* byte() {
      yield new Uint8Array([1]);
    }
    await world.sql`insert into file_removals values (${key}, now() + interval '1 minute', true)`;
    await world.ctx.files.write(key, byte());
    await purgeFiles(world.ctx);
    expect(filesInStore()).toContain(key);
    await world.sql`update file_removals set remove_after = now() where key = ${key}`;
    await Promise.all([purgeFiles(world.ctx), purgeFiles(world.ctx)]);
    expect(filesInStore()).not.toContain(key);
  });

  test("the files of a deleted chat", async () => {
    const ann = await world.person("ann");
    const { id: chatId } = await ann.chat();
    const file = await uploaded(world, ann, chatId, crypto.randomUUID());
    const message = { content: "", attachment_ids: [file.id] };
    await ann.api("POST", `/api/chats/${chatId}/messages`, message);
    const keys = await keysOf(chatId);
    await ann.api("DELETE", `/api/chats/${chatId}`);
    expect((await download(world, ann, file.url)).status).toBe(404);
    await purgeDeletedChats(world.ctx);
    await purgeFiles(world.ctx);
    expect(filesInStore().filter((key) => keys.includes(key))).toEqual([]);
  });
});

/** The names of a chat's files in the store. */
async function keysOf(chatId: number): Promise<string[]> {
  const rows = await world.sql`
    select key from stored_files where chat_id = ${chatId}
    union select p.key from upload_parts p join uploads u on u.id = p.upload_id where u.chat_id = ${chatId}
  `;
  return rows.map(({ key }) => String(key));
}
