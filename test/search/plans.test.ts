// Counts the rows that searches read among 100,000 messages in 1,000 chats; the caller is in 20 of the chats.
import { afterAll, beforeAll, describe, expect } from "bun:test";
import { findNewest } from "../../src/search/find.ts";
import { findChatsBehind } from "../../src/search/worker-queries.ts";
import { matchQuery } from "../../src/search/match-query.ts";
import { findByIndex, findFoundMessages, scanNewest } from "../../src/search/queries.ts";
import { parseSearchText } from "../../src/search/search-text.ts";
import type { Sql } from "../../src/database/connect.ts";
import { fillInBulk, openFilled } from "../world/filled.ts";
import { isLong, longTest } from "../world/long.ts";

const me = 20_001;
const firstChat = 20_001;
const chats = 1_000;
const myChats = 20;
const messagesOfChat = 100;

/** In each chat one message in ten has `tenth`, one has `rare`, and all have `every`. */
const filling = `
  insert into users (id, username, email, hashed_password) values (${me}, 'seeker', 'seeker@example.com', 'x');
  insert into chats (id, name, owner_id, last_seq, message_count)
  select ${firstChat} + n, 'searched', 1, ${messagesOfChat}, ${messagesOfChat} from generate_series(0, ${chats - 1}) n;
  insert into chat_participants (chat_id, user_id)
  select ${firstChat} + n * 50, ${me} from generate_series(0, ${myChats - 1}) n;
  insert into messages (chat_id, user_id, content, seq, updated_seq, ordinal, created_at)
  select chat, 1, 'every', n, n, n, now() - interval '1 minute' * (${messagesOfChat} - n)
  from generate_series(${firstChat}, ${firstChat + chats - 1}) chat, generate_series(1, ${messagesOfChat}) n;
  insert into search_progress (chat_id, indexed_seq) select id, last_seq from chats;
  insert into search_entries (chat_id, created_at, message_id, content_seq, words)
  select chat_id, created_at, id, seq,
    format('''%s:every'':1 ''%s:%s'':2', chat_id, chat_id, case when seq = 50 then 'rare' when seq % 10 = 0 then 'tenth' else 'other' || seq end)::tsvector
  from messages where chat_id >= ${firstChat};
`;

let filled: Awaited<ReturnType<typeof openFilled>>;
let sql: Sql;
// Filling the tables takes too long for `bun run check`, which has test/database/plans.test.ts.
beforeAll(async () => {
  if (!isLong) return;
  filled = await openFilled();
  ({ sql } = filled);
  await fillInBulk(sql, filling);
}, 60_000);
afterAll(() => filled?.close());

const top = { at: Number.MAX_SAFE_INTEGER, id: Number.MAX_SAFE_INTEGER };
const unsearched = Array.from({ length: myChats }, (_, n) => ({
  chatId: firstChat + n * 50,
  below: top,
}));
/** Somebody else's chat, which is left out. */
const foreign = { chatId: firstChat + 1, below: top };
const sought = (text: string) => ({
  userId: me,
  query: matchQuery(parseSearchText(text), { from: undefined, has: undefined }),
  after: undefined,
});

const cases: {
  what: string;
  run: () => Promise<unknown>;
  rows: Record<string, number>;
  by: string[];
}[] = [
  {
    what: "a scan of the newest messages",
    run: () => scanNewest(sql, sought("every"), [...unsearched, foreign], { rows: 21, limit: 21 }),
    rows: { search_entries: 21 * myChats, chat_participants: myChats + 1 },
    by: ["search_entries_pkey"],
  },
  ...["rare", "rar", '"every rare"', "rare every"].map((text) => ({
    what: `a look at the index for ${text}`,
    run: () =>
      findByIndex(sql, sought(text), [...unsearched, foreign], { above: undefined, limit: 21 }),
    rows: { search_entries: myChats, chat_participants: myChats + 1 },
    by: ["search_entries_words_idx"],
  })),
  {
    what: "a search for a word that is in every message",
    run: () => findNewest(sql, sought("every"), { chatId: undefined, below: top }, 21),
    rows: { search_entries: messagesOfChat * myChats },
    by: ["search_entries_pkey"],
  },
  {
    what: "the messages of a page",
    run: () => findFoundMessages(sql, me, [20_100, 20_101]),
    rows: { messages: 2, search_entries: 2, users: 2, chats: 2, chat_participants: myChats },
    by: ["messages_pkey", "search_entries_pkey"],
  },
];

describe.each(["force_custom_plan", "force_generic_plan"])("under %s", (mode) => {
  beforeAll(async () => {
    if (isLong) await sql.unsafe(`set plan_cache_mode = ${mode}`);
  });

  longTest.each(cases)("$what: only what it needs, by its index", async ({ run, rows, by }) => {
    const { read, indexes } = await filled.explain(run);
    for (const [table, max] of Object.entries(rows)) {
      expect(read[table] ?? 0, `rows of ${table}`).toBeLessThanOrEqual(max);
    }
    expect(indexes).toEqual(expect.arrayContaining(by));
  });
});

longTest("a search looks at no message of a chat that the person is not in", async () => {
  const found = await findByIndex(sql, sought("rare"), [foreign], { above: undefined, limit: 21 });
  const scanned = await scanNewest(sql, sought("every"), [foreign], { rows: 21, limit: 21 });
  expect([found, scanned]).toEqual([[], []]);
});

longTest("the worker compares chats, and looks at no message", async () => {
  const { read } = await filled.explain(async () =>
    expect(await findChatsBehind(sql, 100)).toEqual([]),
  );
  expect(Object.keys(read).toSorted()).toEqual(["chats", "search_progress"]);
});
