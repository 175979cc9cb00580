// Uploads in parts that their person cancels.
import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { purgeFiles } from "../../src/attachments/purge.ts";
import { expectProblem } from "../http/refusals.ts";
import { useWorld } from "../world/world.ts";
import { ask, download } from "./files.ts";

const world = useWorld({ durations: { purgeMs: 3_600_000 } });

/** Begins the upload of a file of five bytes. */
async function begin() {
  const ann = await world.person("ann");
  const { id: chatId } = await ann.chat();
  const uploads = `/api/chats/${chatId}/attachments/uploads`;
  const start = () => ann.api("POST", uploads, { name: "a.bin", size: 5 });
  const { body } = await start();
  const path = `${uploads}/${body.upload_id}`;
  const put = (part: Bun.BodyInit) => ask(world, ann, "PUT", `${path}?offset=0`, { body: part });
  const complete = () => ann.api("POST", `${path}/complete`);
  const cancel = () => ann.api("DELETE", path);
  return { ann, chatId, path, start, put, complete, cancel };
}

async function filesInStore(): Promise<string[]> {
  await purgeFiles(world.ctx);
  return readdirSync(`${world.config.dataDir}/files`, { recursive: true, encoding: "utf8" }).filter(
    (path) => path.split("/").length === 3,
  );
}

test("a cancelled upload is gone with its parts, and another one may begin in its place", async () => {
  const { ann, path, start, put, complete, cancel } = await begin();
  expect((await put("012")).status).toBe(200);
  for (let begun = 1; begun < 50; begun += 1) expect((await start()).status).toBe(200);
  expectProblem(await start(), 409, "too_many_uploads");
  const cancelled = await cancel();
  expect([cancelled.status, cancelled.body]).toEqual([
    200,
    { message: "The upload is cancelled." },
  ]);
  for (const refused of [await cancel(), await ann.api("GET", path), await complete()]) {
    expectProblem(refused, 404, "not_found");
  }
  expectProblem(await put("012"), 404, "not_found");
  expect(await filesInStore()).toEqual([]);
  expect((await start()).status).toBe(200);
});

test("nobody else cancels an upload, and neither does somebody who is not in the chat any more", async () => {
  const { ann, chatId, path, cancel } = await begin();
  const ben = await world.person("ben");
  await ann.api("POST", `/api/chats/${chatId}/invite`, { username: ben.username });
  expectProblem(await ben.api("DELETE", path), 404, "not_found");
  expect((await ann.api("GET", path)).status).toBe(200);
  await ann.api("PATCH", `/api/chats/${chatId}`, { owner_id: ben.id });
  await ann.api("POST", `/api/chats/${chatId}/leave`);
  expectProblem(await cancel(), 404, "not_found");
});

test("cancelling a completed upload deletes its file, unless a message has it", async () => {
  const unsent = await begin();
  await unsent.put("01234");
  const { body: file } = await unsent.complete();
  expect((await unsent.cancel()).status).toBe(200);
  expect((await download(world, unsent.ann, file.url)).status).toBe(404);
  expectProblem(await unsent.cancel(), 404, "not_found");
  expect(await filesInStore()).toEqual([]);

  const sent = await begin();
  await sent.put("56789");
  const { body: kept } = await sent.complete();
  const message = { content: "", attachment_ids: [kept.id] };
  await sent.ann.api("POST", `/api/chats/${sent.chatId}/messages`, message);
  expectProblem(await sent.cancel(), 409, "attachment_sent");
  expect((await download(world, sent.ann, kept.url)).status).toBe(200);
});

test("an upload that is cancelled while it is completed becomes no file", async () => {
  const { chatId, path, put, complete, cancel } = await begin();
  await put("abcde");
  const before = await filesInStore();
  const held = await world.sql.begin(async (sql) => {
    await sql`select id from uploads where id = ${path.split("/").at(-1) ?? ""}::uuid for update`;
    // The cancellation waits first, and so is first.
    const cancelled = cancel();
    await world.untilBlocked(1);
    const completed = complete();
    await world.untilBlocked(2);
    return { cancelled, completed };
  });
  expect((await held.cancelled).status).toBe(200);
  expectProblem(await held.completed, 404, "not_found");
  const rows = await world.sql`select from attachments where chat_id = ${chatId}`;
  expect(rows.length).toBe(0);
  expect((await filesInStore()).length).toBe(before.length - 1);
});

test("a part that arrives while its upload is cancelled is not kept", async () => {
  const { put, cancel } = await begin();
  const before = await filesInStore();
  const rest = Promise.withResolvers<void>();
  const arrived = put(
    new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(new TextEncoder().encode("012"));
        await rest.promise;
        controller.close();
      },
    }),
  );
  expect((await cancel()).status).toBe(200);
  rest.resolve();
  expectProblem(await arrived, 404, "not_found");
  expect(await filesInStore()).toEqual(before);
});
