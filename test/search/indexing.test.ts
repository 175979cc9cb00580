import { afterEach, beforeAll, describe, expect } from "bun:test";
import { join } from "node:path";
import { z } from "zod";
import { indexParts } from "../../src/search/log-parts.ts";
import { readPendingTexts, storeEntries } from "../../src/search/worker-queries.ts";
import { entryWords } from "../../src/search/entry-words.ts";
import { rebuildIndex } from "../../src/search/rebuild.ts";
import { indexFaults } from "./compare-index.ts";
import { useWorld, type Person } from "../world/world.ts";
import { longTest, test } from "../world/long.ts";

const world = useWorld({ durations: { indexMs: 60_000, indexerLeaseMs: 60_000 } });
let ann: Person;
let bob: Person;
beforeAll(async () => {
  [ann, bob] = [await world.person("ann"), await world.person("bob")];
});

async function found(q: string): Promise<string[]> {
  const { status, body } = await ann.api("GET", `/api/search?q=${encodeURIComponent(q)}`);
  expect(status).toBe(200);
  return body.items.map((item: { message: { content: string } }) => item.message.content);
}

/** Reads what is to be indexed of a chat; it is stored when the returned function is called, as by a worker that was slow. */
async function slowWorker(chatId: number): Promise<() => Promise<number>> {
  const parts = [{ chatId, after: 0, upTo: 100 }];
  const texts = await readPendingTexts(world.sql, parts);
  const entries = texts.map((text) => ({
    messageId: text.id,
    contentSeq: text.contentSeq,
    words: entryWords(text),
  }));
  return () => storeEntries(world.sql, entries, parts, { rewrites: false });
}

/** A connection that was cut off is noticed by its next statement. */
async function retried<T>(task: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await task();
    } catch (error) {
      if (tries === 20) throw error;
    }
  }
}

describe("the index", () => {
  afterEach(async () => {
    await retried(() => world.index());
    expect(await retried(() => indexFaults(world.sql))).toEqual([]);
  });

  test("is what the messages say, whatever happened to them", async () => {
    const { id } = await ann.chat({ with: [bob] });
    const sent = await Promise.all(
      Array.from({ length: 40 }, (_, n) => ann.say(id, `words of ${n}`)),
    );
    const path = (n: number) => `/api/chats/${id}/messages/${sent[n].id}`;
    await world.index();
    await Promise.all([
      ...[1, 2, 3].map((n) => ann.api("PATCH", path(n), { content: `edited ${n}` })),
      ...[4, 5, 1].map((n) => ann.api("DELETE", path(n))),
      bob.api("PUT", `${path(7)}/reactions/${encodeURIComponent("🎉")}`),
      world.index(),
    ]);
  });

  test("has no hole where a message with a smaller id is committed later", async () => {
    const [slow, quick] = [(await ann.chat()).id, (await ann.chat()).id];
    const transaction = await world.sql.reserve();
    try {
      await transaction`begin`;
      await transaction`update chats set last_seq = last_seq + 1, message_count = message_count + 1 where id = ${slow}`;
      await transaction`
        insert into messages (chat_id, user_id, content, seq, updated_seq, ordinal)
        select id, ${ann.id}, 'tortoise', last_seq, last_seq, message_count from chats where id = ${slow}
      `;
      const later = await ann.say(quick, "hare");
      await world.index();
      expect([later.content, await found("hare"), await found("tortoise")]).toEqual([
        "hare",
        ["hare"],
        [],
      ]);
      await transaction`commit`;
    } finally {
      transaction.release();
    }
    await world.index();
    expect(await found("tortoise")).toEqual(["tortoise"]);
  });

  test("has the words of a short text as those of a long one, each with all of its places", async () => {
    const vectorOf = async (content: string) => {
      const entry = entryWords({ chatId: 7, userId: 2, isBot: false, content });
      const [row] = await world.sql`select ${entry}::tsvector::text as words`;
      return z.object({ words: z.string() }).parse(row).words;
    };
    const short = "To be, or not to be: 検索検索 \u{1f600} www.example.com";
    expect(await vectorOf(short)).toInclude("'7:be':2,6");
    expect(await vectorOf(short)).toBe(await vectorOf(short + " ".repeat(600)));
    const often = "ab ".repeat(166);
    expect(await vectorOf(often)).toBe(await vectorOf(often + " ".repeat(600)));
    expect(await vectorOf(" ")).toBe("'7:@2'");
  });

  test("gets a long log in parts", async () => {
    const { id } = await ann.chat();
    await world.sql`
      with added as (
        insert into messages (chat_id, user_id, content, seq, updated_seq, ordinal)
        select ${id}, ${ann.id}, 'long log ' || n, last_seq + n, last_seq + n, message_count + n
        from chats, generate_series(1, 1100) n where chats.id = ${id}
      )
      update chats set last_seq = last_seq + 1100, message_count = message_count + 1100 where id = ${id}
    `;
  });

  test("never gets the words of a deleted message from a worker that has read it before", async () => {
    const { id } = await ann.chat();
    const message = await ann.say(id, "regretted axolotl");
    const store = await slowWorker(id);
    await ann.api("DELETE", `/api/chats/${id}/messages/${message.id}`);
    await store();
    const rows =
      await world.sql`select words::text from search_entries where message_id = ${message.id}`;
    expect([...rows]).toEqual([{ words: "" }]);
  });

  test("never gets an older text of a message in the place of a newer one", async () => {
    const { id } = await ann.chat();
    const message = await ann.say(id, "older quokka");
    const store = await slowWorker(id);
    await ann.api("PATCH", `/api/chats/${id}/messages/${message.id}`, { content: "newer quokka" });
    await world.index();
    expect(await store()).toBe(0);
    expect(await found("newer quokka")).toEqual(["newer quokka"]);
  });

  longTest(
    "gets nothing of a chat that was deleted meanwhile, and loses what it has with the purge",
    async () => {
      const [gone, kept] = [(await ann.chat()).id, (await ann.chat()).id];
      await ann.say(gone, "vanished");
      await ann.say(kept, "kept wombat");
      await world.index();
      await ann.say(gone, "vanished too");
      const store = await slowWorker(gone);
      await ann.api("DELETE", `/api/chats/${gone}`);
      expect(await store()).toBe(0);
      for (;;) {
        const rows =
          await world.sql`select from messages where chat_id = ${gone} union all select from deleted_chats`;
        if (rows.length === 0) break;
      }
      expect(await world.sql`select from search_entries where chat_id = ${gone}`).toHaveLength(0);
    },
  );

  longTest(
    "is filled whole by several servers at once, whose connections are cut off in between",
    async () => {
      const { id } = await ann.chat();
      const others = [world.startAnother(), world.startAnother()];
      for (let round = 0; round < 6; round += 1) {
        // Settled from the start, since some of these fail while connections are being cut off.
        const sending = Promise.allSettled(
          Array.from({ length: 20 }, (_, n) => ann.say(id, `round ${round} ${n}`)),
        );
        const [{ upTo }] = await retried(async () =>
          z
            .tuple([z.object({ upTo: z.int() })])
            .parse([...(await world.sql`select last_seq as "upTo" from chats where id = ${id}`)]),
        );
        const parts = [{ chatId: id, after: 0, upTo }];
        const working = Promise.allSettled([
          world.index(),
          ...others.map((other) => other.indexer.run()),
          indexParts(world.sql, parts),
          indexParts(others[0]?.ctx.sql ?? world.sql, parts, { rewrites: true }),
        ]);
        await world.sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and query like '%search_entries%'
      `;
        await Promise.all([working, sending]);
      }
      for (const other of others) await other.stop();
      await retried(() => world.index());
    },
  );

  test("is made again from nothing, or from wrong words, while searches go on", async () => {
    const { id } = await ann.chat();
    for (const text of ["rebuilt ibis", "rebuilt heron", "rebuilt stork"]) await ann.say(id, text);
    await world.index();
    await world.sql`
      update search_entries set words = ${`'${id}:wrong':1`}::tsvector
      where message_id = (select max(message_id) from search_entries)
    `;
    await world.sql`
      delete from search_entries where message_id = (select max(message_id) - 2 from search_entries)
    `;
    expect(await found("rebuilt")).toEqual(["rebuilt heron"]);
    const rebuilding = rebuildIndex(world.sql, () => undefined);
    for (let n = 0; n < 5; n += 1) expect(await found("heron")).toEqual(["rebuilt heron"]);
    const { chats, messages } = await rebuilding;
    expect([chats > 1, messages > 1_000]).toEqual([true, true]);
    expect(await found("rebuilt")).toEqual(["rebuilt stork", "rebuilt heron", "rebuilt ibis"]);
  });
});

longTest("`db:reindex` makes the index again while a server runs", async () => {
  const { id } = await ann.chat();
  await ann.say(id, "commanded cormorant");
  await world.index();
  await world.sql`update search_entries set words = ''`;
  const env = { ...process.env, NODE_ENV: "test", DATABASE_URL: world.databaseUrl };
  const command = Bun.spawn([process.execPath, "db/cli.ts", "reindex"], {
    cwd: join(import.meta.dir, "../.."),
    env,
    stdout: "pipe",
    stderr: "ignore",
  });
  expect(await command.stdout.text()).toMatch(/^indexed \d+ messages of \d+ chats\n$/);
  expect(await command.exited).toBe(0);
  expect(await found("cormorant")).toEqual(["commanded cormorant"]);
  expect(await indexFaults(world.sql)).toEqual([]);
});

describe("the worker", () => {
  const holders = () => world.sql`select server_id from search_worker where expires_at > now()`;

  test("is one server; another one goes on when that one stops, and when it was killed", async () => {
    const { id } = await ann.chat();
    await world.index();
    const [first] = await holders();
    const second = world.startAnother();
    const third = world.startAnother();
    await ann.say(id, "relayed baton");
    await second.indexer.run();
    expect(await found("baton")).toEqual([]);
    await world.index();
    expect(await found("baton")).toEqual(["relayed baton"]);
    // The first one is killed: its lease ends.
    await world.sql`update search_worker set expires_at = now() - interval '1 second'`;
    await second.indexer.run();
    const [next] = await holders();
    expect(next?.server_id).not.toBe(first?.server_id);
    await ann.say(id, "second baton");
    await world.index();
    expect(await found("second baton")).toEqual([]);
    await second.stop();
    await third.indexer.run();
    expect(await found("second baton")).toEqual(["second baton"]);
    await third.stop();
    await world.index();
    expect(await holders()).toEqual(expect.arrayContaining([first]));
  });
});
