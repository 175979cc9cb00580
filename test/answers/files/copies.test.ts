// The copies of files at the provider of the model: removed with their files, whatever fails, and never left over.
import { expect, setDefaultTimeout, test } from "bun:test";
import { refuse } from "../../world/gemini/script.ts";
import { useWorld } from "../../world/world.ts";
import { large, makePdf, roomWithFiles } from "./asking-about.ts";

setDefaultTimeout(20_000);

const world = useWorld({ durations: { purgeMs: 5 } });
const gemini = () => world.gemini.files;

async function untilNoCopies() {
  for (;;) {
    const [row] = await world.sql`
      select (select count(*) from model_files) + (select count(*) from model_file_removals) as rows
    `;
    if (Number(row?.rows) === 0) return;
    await Bun.sleep(1);
  }
}

test("a message that is deleted takes the copy along, also after a removal that failed", async () => {
  const { anna, chat, upload, share, ask } = await roomWithFiles(world);
  const message = await share([await upload(makePdf(3, large))]);
  await ask("/bot sum it up");
  const [name] = [...gemini().all.keys()];
  expect(gemini().all.size).toBe(1);
  gemini().deletionRefusals.push(refuse(500));
  await anna.api("DELETE", `/api/chats/${chat.id}/messages/${message.id}`);
  for (;;) {
    const [row] = await world.sql`select tries from model_file_removals`;
    if (row?.tries === 1) break;
    await Bun.sleep(1);
  }
  expect(gemini().all.size).toBe(1);
  await world.sql`update model_file_removals set remove_after = now()`;
  await untilNoCopies();
  expect(gemini().deleted).toContain(String(name));
  expect(gemini().all.size).toBe(0);
});

test("a chat that is deleted takes its copies along", async () => {
  const { anna, chat, upload, share, ask } = await roomWithFiles(world);
  await share([await upload(makePdf(3, large))]);
  await ask("/bot sum it up");
  expect(gemini().all.size).toBe(1);
  await anna.api("DELETE", `/api/chats/${chat.id}`);
  await untilNoCopies();
  expect(gemini().all.size).toBe(0);
});

test("a file that is deleted while it is sent leaves no copy", async () => {
  const { anna, chat, upload, share, post } = await roomWithFiles(world);
  const message = await share([await upload(makePdf(3, large))]);
  const [reached, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const until = () => {
    reached.resolve();
    return gate.promise;
  };
  // Its bytes have been read by then: without them, nothing would be stored.
  gemini().meet({ untilStored: until });
  const uploads = gemini().uploaded.length;
  await post({ content: "/bot sum it up" });
  await reached.promise;
  await anna.api("DELETE", `/api/chats/${chat.id}/messages/${message.id}`);
  gate.resolve();
  while (gemini().uploaded.length === uploads) await Bun.sleep(1);
  await untilNoCopies();
  expect(gemini().all.size).toBe(0);
});

test("of two servers that send a file at the same time, one copy stays", async () => {
  const { anna, chat, annas, upload, share, post } = await roomWithFiles(world);
  await share([await upload(makePdf(3, large))]);
  const gate = Promise.withResolvers<void>();
  let waiting = 0;
  const reached = Promise.withResolvers<void>();
  const until = () => {
    waiting += 1;
    if (waiting === 2) reached.resolve();
    return gate.promise;
  };
  gemini().meet({ until }, { until });
  const other = world.startAnother({ durations: { purgeMs: 5 } });
  await post({ content: "/bot here?" });
  await fetch(`${other.url}/api/chats/${chat.id}/messages`, {
    method: "POST",
    headers: { authorization: `Bearer ${anna.token}`, "content-type": "application/json" },
    body: JSON.stringify({ content: "/bot there?" }),
  });
  await reached.promise;
  gate.resolve();
  await annas.next("bot_stream", { is_complete: true });
  for (;;) {
    const [row] = await world.sql`select count(*)::int as left from model_file_removals`;
    if (row?.left === 0 && gemini().all.size === 1) break;
    await Bun.sleep(1);
  }
  const rows = await world.sql`select name from model_files`;
  expect(rows.map(({ name }) => name)).toEqual([...gemini().all.keys()]);
});

test("a copy whose server was killed before its row was stored is removed", async () => {
  gemini().expireAll();
  await world.sql`delete from model_files`;
  const provider = world.ctx.model.files;
  const name = String(provider?.newName());
  await world.sql`
    insert into model_file_removals (name, remove_after, is_pending) values (${name}, now() + interval '1 hour', true)
  `;
  const read = async () => new Uint8Array([1]);
  const file = { name, mediaType: "text/plain", size: 1, read };
  await provider?.upload(file, AbortSignal.timeout(10_000));
  expect(gemini().all.has(name)).toBe(true);
  await world.sql`update model_file_removals set remove_after = now()`;
  await untilNoCopies();
  expect(gemini().all.has(name)).toBe(false);
});
