// Searches in a million messages, and what filling their index costs those who send.
import { z } from "zod";
import { entryWords } from "../../src/search/entry-words.ts";
import { check, openProduct, type Bench } from "./bench.ts";
import { closeAll, quantile, type Client } from "./client.ts";
import { roomOf, tokenOf } from "./data.ts";

export const kinds = [
  "words",
  "prefix",
  "phrase",
  "two CJK characters",
  "a word of every message",
] as const;
export type Kind = (typeof kinds)[number];

const messagesOfChat = 100;
/** The person is in one of so many chats. */
const chatsPerOwn = 100;
const rowsPerStatement = 2_000;
const words = 20_000;
const hans = 1_500;
const everyWord = "hello";

/** A frequency like that of words in a language: the n-th is n times as rare as the first. */
const zipf = (count: number) => Math.floor(count ** Math.random()) - 1;
const wordAt = (index: number) => `w${(index * 7_919 + 13).toString(36)}`;
const hanAt = (index: number) => String.fromCodePoint(0x4e00 + index * 7);
const seekerOf = ({ scale }: Bench) => scale.people + 1;

function textOf(index: number): string[] {
  const text = [everyWord, ...Array.from({ length: 8 }, () => wordAt(zipf(words)))];
  if (index % 5 === 0) text.push(Array.from({ length: 12 }, () => hanAt(zipf(hans))).join(""));
  return text;
}

const Definition = z.tuple([z.object({ definition: z.string() })]);
const Ids = z.array(z.object({ id: z.coerce.number() }));

/** Adds the chats with their index, and the person who searches them, once. @returns texts of the person's own chats */
export async function fillOnce(bench: Bench): Promise<string[][]> {
  const known = samples.get(bench.sql);
  if (known) return known;
  const { sql, scale } = bench;
  const chats = Math.ceil(scale.searchedMessages / messagesOfChat);
  const seeker = seekerOf(bench);
  await sql`
    insert into users (id, username, email, hashed_password) values (${seeker}, 'seeker', 'seeker@example.com', 'none')
    on conflict do nothing
  `;
  await sql`
    insert into sessions (id, user_id, refresh_token_hash, expires_at)
    values (${`00000000-0000-4000-8000-${String(seeker).padStart(12, "0")}`}, ${seeker}, '\\x00', now() + interval '1 day')
    on conflict do nothing
  `;
  const ids = Ids.parse(
    await sql`
    with made as (
      insert into chats (name, owner_id, is_group, last_seq, message_count)
      select 'searched', 1, true, ${messagesOfChat}::int, ${messagesOfChat}::int from generate_series(1, ${chats}::int)
      returning id
    ),
    marked as (
      insert into search_progress (chat_id, indexed_seq) select id, ${messagesOfChat}::int from made
    )
    select id from made order by id
  `,
  ).map(({ id }) => id);
  const own = new Set(ids.filter((_, index) => index % chatsPerOwn === 0));
  await sql`insert into chat_participants (chat_id, user_id) select id, ${seeker} from unnest(${[...own]}::bigint[]) id`;
  // An index that is made of all rows at once takes a fraction of the time.
  const [{ definition }] = Definition.parse(
    await sql`select indexdef as definition from pg_indexes where indexname = 'search_entries_words_idx'`,
  );
  await sql`drop index search_entries_words_idx`;
  const found: string[][] = [];
  // Message by message over all chats, as people write.
  for (let index = 0; index < chats * messagesOfChat; index += rowsPerStatement) {
    const rows = Array.from(
      { length: Math.min(rowsPerStatement, chats * messagesOfChat - index) },
      (_, n) => {
        const chatId = ids[(index + n) % chats] ?? 0;
        const text = textOf(index + n);
        if (own.has(chatId)) found.push(text);
        const content = text.join(" ");
        const userId = 1 + (index % 64);
        return {
          chatId,
          userId,
          content,
          seq: 1 + Math.floor((index + n) / chats),
          words: entryWords({ chatId, userId, isBot: false, content }),
        };
      },
    );
    await sql`
      with stored as (
        insert into messages (chat_id, user_id, content, seq, updated_seq, ordinal)
        select chat_id, user_id, content, seq, seq, seq
        from unnest(
          ${rows.map((row) => row.chatId)}::bigint[], ${rows.map((row) => row.userId)}::bigint[],
          ${rows.map((row) => row.content)}::text[], ${rows.map((row) => row.seq)}::bigint[]
        ) as t (chat_id, user_id, content, seq)
        returning id, chat_id, seq, created_at
      )
      insert into search_entries (chat_id, created_at, message_id, content_seq, words)
      select stored.chat_id, stored.created_at, stored.id, stored.seq, t.words::tsvector
      from stored
      join unnest(
        ${rows.map((row) => row.chatId)}::bigint[], ${rows.map((row) => row.seq)}::bigint[], ${rows.map((row) => row.words)}::text[]
      ) as t (chat_id, seq, words) on t.chat_id = stored.chat_id and t.seq = stored.seq
    `;
  }
  await sql.unsafe(`set maintenance_work_mem = '512MB'; ${definition}; reset maintenance_work_mem`);
  await sql`vacuum analyze`;
  samples.set(sql, found);
  return found;
}

/** The samples by database, since another commit's database has its own. */
const samples = new WeakMap<object, string[][]>();

function queryOf(kind: Kind, texts: string[][]): string {
  const pick = () => texts[Math.floor(Math.random() * texts.length)] ?? [];
  const at = () => 1 + Math.floor(Math.random() * 7);
  const text = pick();
  const place = at();
  switch (kind) {
    case "words":
      return `"${text[place]}" "${text[place + 1]}"`;
    case "prefix":
      return (text[place] ?? "").slice(0, 3);
    case "phrase":
      return `"${text[place]} ${text[place + 1]}"`;
    case "two CJK characters": {
      const han =
        texts.find(
          (each, index) => each[9] !== undefined && index >= Math.random() * texts.length,
        )?.[9] ?? hanAt(0) + hanAt(1);
      const from = Math.floor(Math.random() * 11);
      return han.slice(from, from + 2);
    }
    case "a word of every message":
      return `"${everyWord}"`;
  }
}

const Page = z.object({ items: z.array(z.unknown()) });

/** The p50 or p99 of searches of one person in 100 of 10,000 chats, one after another, in milliseconds over HTTP. */
export async function duration(bench: Bench, kind: Kind, share: number): Promise<number> {
  const texts = await fillOnce(bench);
  const authorization = `Bearer ${await tokenOf(seekerOf(bench), bench.secretKey)}`;
  const times: number[] = [];
  for (let search = 0; search < bench.scale.searches; search += 1) {
    const started = performance.now();
    const q = encodeURIComponent(queryOf(kind, texts));
    const response = await fetch(`${bench.product.url}/api/search?q=${q}`, {
      headers: { authorization },
    });
    const { items } = Page.parse(await response.json());
    times.push(performance.now() - started);
    check("searches that find something", Math.min(1, items.length), 1);
  }
  return quantile(times, share);
}

/** The median acknowledgement in milliseconds, of messages that are sent one after another at a steady rate. */
export async function sending(bench: Bench, { indexed }: { indexed: boolean }): Promise<number> {
  const { sql } = bench;
  // The server leaves the index to the holder of the lease.
  if (!indexed) {
    await sql`
      insert into search_worker (server_id, expires_at) values (gen_random_uuid(), now() + interval '1 hour')
      on conflict (id) do update set server_id = excluded.server_id, expires_at = excluded.expires_at
    `;
  }
  const clients: Client[] = [];
  for (let user = 1; user <= 8; user += 1) clients.push(await openProduct(bench, user));
  const times: number[] = [];
  const { seconds, slowRate } = bench.scale;
  const started = performance.now();
  const sent: Promise<void>[] = [];
  for (let due = 0; due < seconds * slowRate; due += 1) {
    const waitMs = started + (due * 1_000) / slowRate - performance.now();
    if (waitMs > 0) await Bun.sleep(waitMs);
    const place = due % clients.length;
    const beganAt = performance.now();
    const frame = {
      type: "message",
      chat_id: roomOf(1 + place, due),
      content: textOf(due).join(" "),
    };
    sent.push(
      Promise.resolve(clients[place]?.ask(frame)).then(
        () => void times.push(performance.now() - beganAt),
      ),
    );
  }
  await Promise.all(sent);
  await closeAll(clients);
  if (!indexed) await sql`delete from search_worker`;
  return quantile(times, 0.5);
}

/** The longest time in milliseconds from the acknowledgement of a message until a search finds it, while others are sent. */
export async function lag(bench: Bench): Promise<number> {
  const client = await openProduct(bench, 1);
  const authorization = `Bearer ${await tokenOf(1, bench.secretKey)}`;
  const load = sending(bench, { indexed: true });
  let longest = 0;
  for (let probe = 0; probe < 4; probe += 1) {
    const word = `probe${crypto.randomUUID().replaceAll("-", "")}`;
    await client.ask({ type: "message", chat_id: roomOf(1, 0), content: word });
    const started = performance.now();
    for (;;) {
      const response = await fetch(`${bench.product.url}/api/search?q=${word}`, {
        headers: { authorization },
      });
      if (Page.parse(await response.json()).items.length > 0) break;
      await Bun.sleep(10);
    }
    longest = Math.max(longest, performance.now() - started);
  }
  await load;
  await closeAll([client]);
  return longest;
}
