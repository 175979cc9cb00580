import { afterAll, afterEach, beforeEach, describe, expect, setDefaultTimeout } from "bun:test";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { parseDatabaseUrl } from "../../../src/config/database-address.ts";
import { importFastapi } from "../../../src/database/import-fastapi/import.ts";
import { borrowDatabase, giveBackDatabase } from "../../world/cluster.ts";
import {
  engines,
  fastapiDatabase,
  manyMessages,
  type Tables,
} from "../../world/fastapi-database.ts";
import { bothTest, isLong, test } from "../../world/long.ts";
import { using } from "../../world/rows.ts";
import { startWorld } from "../../world/world.ts";

const log = pino({ level: "silent" });
setDefaultTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), "gemini-coop import "));
chmodSync(folder, 0o755);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let target: string;
const sources: string[] = [];
beforeEach(async () => void (target = await borrowDatabase()));
afterEach(async () => {
  for (const url of sources.splice(0)) await giveBackDatabase(url);
  await giveBackDatabase(target);
});

async function source(...given: Parameters<typeof fastapiDatabase>): Promise<string> {
  const place = await fastapiDatabase(...given);
  if (given[0] === "postgres") sources.push(place);
  return place;
}

async function run(from: string) {
  const lines: string[] = [];
  const counts = await importFastapi(parseDatabaseUrl(target), from, {
    log,
    dryRun: false,
    unusableHash: "unusable",
    list: (line) => void lines.push(line),
    progress: () => {},
  });
  return { counts, lines };
}

/** Hashes by Python's bcrypt, which looks at 72 bytes: é has two. */
const pythonHashes = {
  short: "$2b$04$M6WxL7KVgG9AsS60XjxT.ufponcxDTo8NT9mj5F7CQ12bY/xBK6fm",
  long: "$2b$04$5uor5bPrAi6/LeMLjvSSCu7AzEcDJNLjotCv5f1o.EFwqzPgIgTsS",
  halfCharacter: "$2b$04$BU/kAYPC/w/o8gFrIf9Mnusb.CZ8pcH5ysraaP3Su1FPR8CNQOCEa",
};
const passwords = {
  short: "old secret",
  long: "é".repeat(40),
  halfCharacter: `x${"é".repeat(40)}`,
};

async function team(): Promise<Tables> {
  const hash = await Bun.password.hash("carls secret", { algorithm: "bcrypt", cost: 4 });
  const at = (minute: number) => `2024-01-02 10:${String(minute).padStart(2, "0")}:00.123456`;
  return {
    users: [
      {
        id: 3,
        username: "ann",
        email: "ann@example.com",
        hashed_password: pythonHashes.short,
        is_active: true,
        created_at: at(0),
      },
      {
        id: 5,
        username: "Ben",
        email: "ben@example.com",
        hashed_password: pythonHashes.long.replace("$2b$", "$2y$"),
        created_at: at(0),
      },
      {
        id: 8,
        username: "carl",
        email: "carl@example.com",
        hashed_password: hash,
        created_at: at(0),
      },
    ],
    chats: [
      {
        id: 4,
        name: "Physics",
        is_group: true,
        is_ai_chat: false,
        created_by: 5,
        created_at: at(0),
      },
      {
        id: 9,
        name: "ann, Ben",
        is_group: false,
        is_ai_chat: false,
        created_by: 3,
        created_at: at(1),
      },
      { id: 11, name: null, is_group: false, is_ai_chat: true, created_by: 8, created_at: at(1) },
    ],
    chat_participants: [
      { chat_id: 4, user_id: 5, joined_at: at(0) },
      { chat_id: 4, user_id: 3, joined_at: at(0) },
      { chat_id: 4, user_id: 8, joined_at: at(14) },
      { chat_id: 9, user_id: 3, joined_at: at(1) },
      { chat_id: 9, user_id: 5, joined_at: at(1) },
      { chat_id: 11, user_id: 8, joined_at: at(1) },
    ],
    // The ids are not in the order of the times, and two have the same time.
    messages: [
      { id: 21, chat_id: 4, user_id: 3, content: "  first\n", is_bot: false, created_at: at(10) },
      { id: 20, chat_id: 4, user_id: 5, content: "second", is_bot: false, created_at: at(11) },
      { id: 30, chat_id: 4, user_id: 3, content: "/bot Why?", is_bot: false, created_at: at(12) },
      { id: 29, chat_id: 4, user_id: 3, content: "same time", is_bot: false, created_at: at(12) },
      {
        id: 31,
        chat_id: 4,
        user_id: null,
        content: "Because. 👩‍🚀",
        is_bot: true,
        created_at: at(13),
      },
      { id: 40, chat_id: 4, user_id: 5, content: "third", is_bot: false, created_at: at(15) },
      { id: 41, chat_id: 4, user_id: 8, content: "fourth", is_bot: false, created_at: at(16) },
      { id: 50, chat_id: 9, user_id: 3, content: "hi Ben", is_bot: false, created_at: at(20) },
      { id: 51, chat_id: 9, user_id: 5, content: "hi ann", is_bot: false, created_at: at(21) },
      { id: 60, chat_id: 11, user_id: 8, content: "question", is_bot: false, created_at: at(22) },
    ],
    message_read_receipts: [
      { message_id: 20, user_id: 3, read_at: at(30) },
      { message_id: 31, user_id: 3, read_at: at(31) },
      { message_id: 21, user_id: 5, read_at: at(30) },
      { message_id: 51, user_id: 3, read_at: at(30) },
    ],
  };
}

async function signIn(
  world: Awaited<ReturnType<typeof startWorld>>,
  username: string,
  password: string,
) {
  const { status, body } = await world.call("POST", "/api/auth/login", { username, password });
  expect([username, status]).toEqual([username, 200]);
  return (method: string, path: string, sent?: unknown) =>
    world.call(method, path, sent, { authorization: `Bearer ${body.access_token}` });
}

const hashOf = (username: string) =>
  using(target, (sql) => sql`select hashed_password from users where username = ${username}`).then(
    ([row]) => String(row?.hashed_password),
  );

/** Both; in `bun run check` the first. */
const played = engines.filter((_, index) => isLong || index === 0);

describe.each(played)("a server on a database imported from %s", (engine) => {
  bothTest(
    "shows people their chats, history in order and unread messages, after they sign in with the old passwords",
    async () => {
      const { counts, lines } = await run(await source(engine, folder, await team()));
      expect(lines).toEqual([]);
      expect(counts.messages).toEqual({ taken: 10, changed: 0, leftOut: 0 });
      const world = await startWorld({ databaseUrl: target });
      try {
        const ann = await signIn(world, "ann", passwords.short);
        const ben = await signIn(world, "ben", passwords.long);
        const carl = await signIn(world, "carl", "carls secret");
        const wrong = { username: "ann", password: "old secre" };
        expect((await world.call("POST", "/api/auth/login", wrong)).status).toBe(401);
        expect((await ann("GET", "/api/auth/me")).body).toEqual({
          id: 3,
          username: "ann",
          email: "ann@example.com",
          email_verified: false,
          created_at: "2024-01-02T10:00:00.123Z",
          read_receipts: true,
          presence: "visible",
          display_name: null,
          bio: null,
          avatar_url: null,
          is_bot_account: false,
          totp_enabled: false,
          has_password: true,
        });

        const { body: history } = await carl("GET", "/api/chats/4/messages");
        const shown = history.map((message: Record<string, unknown>) => [
          message.seq,
          message.id,
          message.username,
          message.content,
          message.created_at,
        ]);
        expect(shown).toEqual([
          [1, 21, "ann", "  first\n", "2024-01-02T10:10:00.123Z"],
          [2, 20, "Ben", "second", "2024-01-02T10:11:00.123Z"],
          [3, 29, "ann", "same time", "2024-01-02T10:12:00.123Z"],
          [4, 30, "ann", "/bot Why?", "2024-01-02T10:12:00.123Z"],
          [5, 31, "Gemini", "Because. 👩‍🚀", "2024-01-02T10:13:00.123Z"],
          [6, 40, "Ben", "third", "2024-01-02T10:15:00.123Z"],
          [7, 41, "carl", "fourth", "2024-01-02T10:16:00.123Z"],
        ]);

        const summaries = async (api: typeof ann) =>
          (await api("GET", "/api/chats")).body.map((chat: Record<string, unknown>) => [
            chat.id,
            chat.name,
            chat.is_named,
            chat.owner_id,
            chat.last_seq,
            chat.unread_count,
            chat.last_message,
          ]);
        // ann has read up to the answer, and Ben the first message. Carl came after the answer.
        expect(await summaries(ann)).toEqual([
          [9, "Ben", false, 3, 2, 0, "hi ann"],
          [4, "Physics", true, 5, 7, 2, "fourth"],
        ]);
        expect(await summaries(ben)).toEqual([
          [9, "ann", false, 3, 2, 1, "hi ann"],
          [4, "Physics", true, 5, 7, 4, "fourth"],
        ]);
        expect(await summaries(carl)).toEqual([
          [11, "Gemini", true, 8, 1, 0, "question"],
          [4, "Physics", true, 5, 7, 1, "fourth"],
        ]);
        const { body: receipts } = await ann("GET", "/api/chats/4/read-receipts");
        const readers = Object.entries<{ username: string }[]>(receipts).map(([id, read]) => [
          id,
          ...read.map(({ username }) => username),
        ]);
        expect(readers).toEqual([
          ["20", "ann"],
          ["21", "Ben"],
          ["31", "ann"],
        ]);
        const { body: people } = await ann("GET", "/api/chats/4/participants");
        expect(people.map((person: Record<string, unknown>) => [person.id, person.role])).toEqual([
          [5, "owner"],
          [3, "member"],
          [8, "member"],
        ]);
      } finally {
        await world.stop();
        target = await borrowDatabase();
      }
    },
  );

  bothTest("renews the hashes of those who sign in, and continues ids and numbers", async () => {
    await run(await source(engine, folder, await team()));
    const world = await startWorld({ databaseUrl: target });
    try {
      const ann = await signIn(world, "ann", passwords.short);
      const ben = await signIn(world, "Ben", passwords.long);
      expect(await hashOf("ann")).toStartWith("$argon2id$");
      expect(await hashOf("carl")).toStartWith("$2b$");
      await signIn(world, "ann", passwords.short);
      await signIn(world, "Ben", passwords.long);
      // All bytes count for the new hash.
      const cut = { username: "ben", password: "é".repeat(36) };
      expect((await world.call("POST", "/api/auth/login", cut)).status).toBe(401);

      const { body: sent } = await ann("POST", "/api/chats/4/messages", { content: "new" });
      expect(sent).toMatchObject({ id: 61, seq: 8 });
      await ben("POST", "/api/chats/4/mark-read");
      const { body: chats } = await ben("GET", "/api/chats");
      expect(chats[0]).toMatchObject({ id: 4, unread_count: 0, last_seq: 8 });

      const private_ = { participant_usernames: ["ben"] };
      expect((await ann("POST", "/api/chats", private_)).body.id).toBe(9);
      const registered = { username: "dora", email: "d@example.com", password: "long enough" };
      expect((await world.call("POST", "/api/auth/register", registered)).body.id).toBe(9);
      expect((await ann("POST", "/api/chats", { is_group: true })).body.id).toBe(12);
    } finally {
      await world.stop();
      target = await borrowDatabase();
    }
  });

  bothTest("has nothing of an empty database, and begins with the first ids", async () => {
    const { counts, lines } = await run(await source(engine, folder));
    expect(lines).toEqual([]);
    expect(counts.users).toEqual({ taken: 0, changed: 0, leftOut: 0 });
    const [row] = await using(
      target,
      (sql) => sql`
        insert into users (username, email, hashed_password) values ('ann', 'a@example.com', 'x') returning id
      `,
    );
    expect(row?.id).toBe(1);
  });

  // The same statements write both: one engine with more rows than a statement has parameters is enough.
  const count = engine === "sqlite" && isLong ? 70_000 : 10_000;

  bothTest(
    `has ${count.toLocaleString("en")} messages under numbers in the order of their times, with the counts of unread ones`,
    async () => {
      const { counts } = await run(await source(engine, folder, {}, manyMessages(engine, count)));
      expect(counts.messages).toEqual({ taken: count, changed: 0, leftOut: 0 });
      await using(target, async (sql) => {
        const [numbers] = await sql`
        select count(*)::int as count,
          count(*) filter (where seq <> place or updated_seq <> seq or ordinal <> seq)::int as wrong
        from (
          select seq, updated_seq, ordinal, row_number() over (partition by chat_id order by created_at, id) as place
          from messages
        ) m
      `;
        expect({ ...numbers }).toEqual({ count, wrong: 0 });
        const [counters] = await sql`
        select count(*)::int as wrong from chats c
        where (last_seq, message_count, participant_count)
          <> (select count(*), count(*), 100 from messages where chat_id = c.id)
      `;
        expect({ ...counters }).toEqual({ wrong: 0 });
        // As the list of chats computes it, and by definition.
        const [unread] = await sql`
        select count(*)::int as people, count(*) filter (where computed <> defined)::int as wrong,
          sum(defined)::int > 0 as some
        from (
          select c.message_count - p.last_read_seq - (p.own_count - p.own_read_count) as computed, (
            select count(*) from messages m
            where m.chat_id = c.id and m.seq > p.last_read_seq and m.user_id is distinct from p.user_id
          ) as defined
          from chat_participants p join chats c on c.id = p.chat_id
          where p.user_id % 10 = 1
        ) u
      `;
        expect({ ...unread }).toEqual({ people: 100, wrong: 0, some: true });
        const [next] = await sql`
        insert into messages (chat_id, user_id, content, seq, updated_seq, ordinal)
        values (1, 1, 'next', 1000000, 1000000, 1000000) returning id
      `;
        expect(next?.id).toBe(count + 1);
      });
    },
  );
});

test("a password of more than 72 bytes counts as far as the old server looked at it, even in the middle of a character", async () => {
  const tables = await team();
  const users = tables.users?.map((user) => ({
    ...user,
    hashed_password: pythonHashes.halfCharacter,
  }));
  await run(await source("sqlite", folder, { ...tables, users: users ?? [] }));
  const world = await startWorld({ databaseUrl: target });
  try {
    const given = { username: "ben", password: `x${"é".repeat(35)}e` };
    expect((await world.call("POST", "/api/auth/login", given)).status).toBe(401);
    await signIn(world, "ann", passwords.halfCharacter);
    await signIn(world, "carl", `x${"é".repeat(36)} and more`);
  } finally {
    await world.stop();
    target = await borrowDatabase();
  }
});
