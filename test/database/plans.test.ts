// Counts the rows that frequent queries read in tables that are not small. A pooled connection changes to a generic plan after
// a few runs, so both kinds are looked at.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  findLiveSessions,
  deleteExpired,
  isSessionLive,
  rotateRefreshToken,
} from "../../src/accounts/queries.ts";
import { readArrivals, takeTicket } from "../../src/accounts/socket-queries.ts";
import { findSessions } from "../../src/accounts/session-queries.ts";
import { claimAbandonedRuns } from "../../src/answers/budget/abandoned-runs.ts";
import { findPastMessages, findRoomWithPast } from "../../src/answers/prompt/queries.ts";
import { findParticipants, isParticipant } from "../../src/chats/participant-queries.ts";
import { findPrivateChat } from "../../src/chats/new-chat-queries.ts";
import { findChatSummaries } from "../../src/chats/summary-queries.ts";
import type { Sql } from "../../src/database/connect.ts";
import { createReadLog } from "../../src/log/replay.ts";
import { insertMessages } from "../../src/log/insert.ts";
import { findMessages } from "../../src/log/page-queries.ts";
import { markDeleted, updateContent } from "../../src/messages/queries.ts";
import { findVersions } from "../../src/messages/version-queries.ts";
import {
  areTogether,
  findChanges,
  findPresence,
  writePresence,
} from "../../src/presence/queries.ts";
import { findProfile, findPeople } from "../../src/accounts/people-queries.ts";
import { findBlocks } from "../../src/accounts/block-queries.ts";
import { findChangedPeople, findSeenProfiles } from "../../src/accounts/people-change-queries.ts";
import { findUsersByName, findUserWithPassword } from "../../src/accounts/user-queries.ts";
import { storeReactions } from "../../src/reactions/queries.ts";
import { findMentionable } from "../../src/log/mention-queries.ts";
import { findRoomReads, updateReadPosition } from "../../src/receipts/position-queries.ts";
import { findReaders, findReceipts } from "../../src/receipts/queries.ts";
import {
  blockedPeople,
  blocker,
  busyChat,
  busyPeople,
  fillInBulk,
  me,
  myChats,
  openFilled,
  quietChat,
  session,
} from "../world/filled.ts";

let filled: Awaited<ReturnType<typeof openFilled>>;
let sql: Sql;
beforeAll(async () => {
  filled = await openFilled();
  ({ sql } = filled);
}, 20_000);
afterAll(() => filled.close());

interface Case {
  what: string;
  run: () => Promise<unknown>;
  /** The largest number of rows that the query may read in each table. */
  rows: Record<string, number>;
  by: string[];
}

const page = { after: undefined, before: undefined, fromOldest: false, limit: 51 };
const fromMe = { chatId: busyChat, userId: me, username: "user1", runId: undefined };
const rotation = {
  id: session,
  oldHash: Buffer.from("x"),
  newHash: Buffer.from("x"),
  ttlSeconds: 60,
  source: { address: "127.0.0.1", userAgent: null },
};
/** The message of a chat of one message, which its owner has written. */
const messageOf = (chatId: number) => ({ chatId, messageId: 10_000 + chatId - 1 });
const edited = 100;
let deletable = 200;
const readLog = (after: number, limit: number) => createReadLog(sql)(busyChat, after, limit);

/** People of the busy chat. */
const watchedIds = Array.from({ length: 40 }, (_, n) => 41 + 40 * n);

/** The person has written nothing up to here and some numbers above it. */
let readTo = 3;

const sought = { callerId: me, limit: 10 };

const cases: Case[] = [
  {
    what: "the newest page of a chat",
    run: () => findMessages(sql, me, busyChat, page),
    rows: { messages: 51 },
    by: ["messages_chat_id_seq_key"],
  },
  {
    what: "an older page",
    run: () => findMessages(sql, me, busyChat, { ...page, before: 5_000 }),
    rows: { messages: 51 },
    by: ["messages_chat_id_seq_key"],
  },
  {
    what: "a newer page",
    run: () => findMessages(sql, me, busyChat, { ...page, after: 5_000, fromOldest: true }),
    rows: { messages: 51 },
    by: ["messages_chat_id_seq_key"],
  },
  {
    what: "a person's chats, with what is unread in each",
    run: () => findChatSummaries(sql, me),
    // The newest message and the last read one of each chat; one mention to see that there are any, and those of two chats.
    rows: {
      chat_participants: myChats,
      chats: myChats,
      messages: 2 * myChats,
      message_mentions: 1 + 1_000 + 47,
    },
    by: ["chat_participants_user_id_idx", "messages_chat_id_seq_key", "message_mentions_pkey"],
  },
  {
    what: "people of a chat by name, for a mention",
    run: () => findMentionable(sql, me, busyChat, { names: ["user41", "user81"], everyone: false }),
    rows: { chats: 1, users: 2, chat_participants: 3 },
    by: ["users_username_key"],
  },
  {
    what: "a message with mentions",
    run: () =>
      insertMessages(
        sql,
        [
          {
            ...fromMe,
            chatId: quietChat,
            userId: quietChat,
            content: "@user4 @user5",
            clientId: undefined,
            mentions: [4, 5],
          },
        ],
        { leaseSeconds: 6 },
      ),
    rows: { chats: 2, chat_participants: 4 },
    by: ["chat_participants_user_id_idx"],
  },
  {
    what: "a read position that moves over some mentions",
    run: () => updateReadPosition(sql, me, quietChat, 10),
    // The second time it does not move, and both rows are read again.
    rows: { chat_participants: 2, chats: 2, messages: 1, message_mentions: 10 },
    by: ["message_mentions_pkey"],
  },
  {
    what: "the private chat of two people",
    run: () => findPrivateChat(sql, me, 3),
    // Those that one of the two is in.
    rows: { chat_participants: 2 * myChats, chats: myChats, private_chats: 2 },
    by: ["chat_participants_user_id_idx"],
  },
  {
    what: "whether somebody is in a chat",
    run: () => isParticipant(sql, me, busyChat),
    rows: { chat_participants: 1 },
    by: [],
  },
  {
    what: "who is in a chat",
    run: () => findParticipants(sql, me, busyChat),
    rows: { chat_participants: 1 + busyPeople },
    by: ["chat_participants_chat_id_user_id_key"],
  },
  {
    what: "what a client has missed, new and changed",
    run: () => readArrivals(sql, [{ userId: me, chatId: busyChat, afterSeq: 9_900 }]),
    rows: { messages: 100 + 100 },
    by: ["messages_chat_id_seq_key", "messages_changed_key"],
  },
  {
    what: "messages that are missing among a room's numbers",
    run: () => readLog(9_900, 100),
    rows: { messages: 100, chat_changes: 0 },
    by: ["messages_chat_id_seq_key", "chat_changes_pkey"],
  },
  {
    what: "changes that are missing among a room's numbers",
    run: () => readLog(25_000, 1_000),
    rows: { messages: 10, chat_changes: 20 },
    by: ["messages_pkey", "chat_changes_pkey"],
  },
  {
    what: "a message that is sent again",
    run: () =>
      insertMessages(sql, [{ ...fromMe, content: "message 50", clientId: "c50" }], {
        leaseSeconds: 6,
      }),
    // It is found by its client id, and then read.
    rows: { chats: 1, chat_participants: 1, messages: 2, message_versions: 1 },
    by: ["messages_client_id_key", "messages_pkey", "message_versions_pkey"],
  },
  {
    what: "a message that is edited",
    run: () =>
      updateContent(sql, edited, messageOf(edited), {
        content: crypto.randomUUID(),
        ifSeq: undefined,
        mentions: [],
      }),
    // The chat and the message are found twice: to be locked, and to be changed.
    rows: { chats: 2, chat_participants: 1, messages: 2, message_versions: 3 },
    by: ["messages_pkey", "message_versions_pkey"],
  },
  {
    what: "a message that is deleted",
    run: () => {
      deletable += 1;
      const owner = { id: deletable, username: "owner", source: rotation.source };
      return markDeleted(sql, owner, messageOf(deletable));
    },
    rows: { chats: 2, chat_participants: 1, messages: 2 },
    by: ["messages_pkey"],
  },
  {
    what: "the texts of a message",
    run: () => findVersions(sql, me, busyChat, 2_000),
    rows: { chat_participants: 1, messages: 1, message_versions: 1 },
    by: ["messages_pkey", "message_versions_pkey"],
  },
  {
    what: "twenty messages at once",
    run: () =>
      insertMessages(
        sql,
        Array.from({ length: 20 }, () => ({
          ...fromMe,
          chatId: quietChat,
          userId: quietChat,
          content: "new",
          clientId: crypto.randomUUID(),
        })),
        { leaseSeconds: 6 },
      ),
    // The chat is found twice: to be locked, and to be counted up.
    rows: { chats: 2, chat_participants: 40, messages: 0 },
    by: ["messages_client_id_key"],
  },
  {
    what: "reactions of twenty people at once",
    run: async () => {
      const [message] = (await findMessages(sql, me, busyChat, { ...page, limit: 1 })) ?? [];
      const people = Array.from({ length: 20 }, (_, n) => 1 + n * 40);
      const change = { chatId: busyChat, messageId: message?.id ?? 0, emoji: "👍", on: true };
      return await storeReactions(
        sql,
        people.map((userId) => ({ ...change, userId })),
      );
    },
    // The chat and the message are found twice: to be locked, and to be changed.
    rows: { chats: 2, chat_participants: 21, messages: 4, message_reactions: 0 },
    by: ["messages_pkey"],
  },
  {
    what: "what a prompt is made from",
    run: () => findPastMessages(sql, busyChat, { upToSeq: 9_000, limit: 200, bytesMax: 96_000 }),
    rows: { messages: 200 },
    by: ["messages_chat_id_seq_key"],
  },
  {
    what: "a room with what a prompt is made from",
    run: () =>
      findRoomWithPast(sql, me, busyChat, { upToSeq: 9_000, limit: 200, bytesMax: 96_000 }),
    rows: { chats: 1, chat_participants: 1, messages: 200 },
    by: ["messages_chat_id_seq_key"],
  },
  {
    what: "answers whose server is gone",
    run: () => claimAbandonedRuns(sql, [], 100),
    rows: { answer_runs: 6 },
    by: ["answer_runs_lease_expires_at_idx"],
  },
  {
    what: "somebody who signs in",
    run: () => findUserWithPassword(sql, "USER77"),
    rows: { users: 1 },
    by: ["users_username_key"],
  },
  {
    what: "people by name",
    run: () => findUsersByName(sql, ["User7", "user8", "nobody"]),
    rows: { users: 3 },
    by: ["users_username_key"],
  },
  {
    what: "people by the beginning of their name",
    run: () => findPeople(sql, { ...sought, usernamePart: "user123", namePart: "user123" }),
    // It looks for parts, too, until there are ten.
    rows: { users: 700, display_name_parts: 0, user_blocks: 100 },
    by: ["users_username_order_idx", "display_name_parts_part_idx"],
  },
  {
    what: "people by the beginning of a word of their display name",
    run: () => findPeople(sql, { ...sought, usernamePart: undefined, namePart: "muller 77" }),
    // Each of them is read for the condition, and for the result.
    rows: { users: 70, display_name_parts: 50, user_blocks: 50 },
    by: ["display_name_parts_part_idx"],
  },
  {
    what: "a person's profile",
    run: () => findProfile(sql, me, 77),
    rows: { users: 1, user_blocks: 0 },
    by: ["users_pkey"],
  },
  {
    what: "people whose profiles or blocks have changed",
    run: () => findChangedPeople(sql, "1000000000000:1000000000000:"),
    rows: { people_changes: 0 },
    by: ["people_changes_changed_xid_idx"],
  },
  {
    what: "the profiles of people, with their chats",
    run: () => findSeenProfiles(sql, [me, 3]),
    rows: { users: 2, chat_participants: myChats + 3 },
    by: ["users_pkey", "chat_participants_user_id_idx"],
  },
  {
    what: "whom a person has blocked",
    run: () => findBlocks(sql, [blocker]),
    rows: { user_blocks: 2 * blockedPeople, chat_participants: 10 * blockedPeople },
    by: ["user_blocks_pkey", "chat_participants_user_id_idx"],
  },
  {
    what: "people by a part of their name",
    run: () => findPeople(sql, { ...sought, usernamePart: "r77", namePart: "r77" }),
    rows: { users: 700 },
    by: ["users_username_bigrams_idx", "users_username_order_idx"],
  },
  {
    what: "who has read the newest messages",
    run: () => findReceipts(sql, me, busyChat, undefined),
    rows: { messages: 200, chat_participants: busyPeople + 1, users: 1 + busyPeople },
    by: ["messages_chat_id_seq_key"],
  },
  {
    what: "who has read a message",
    run: () => findReaders(sql, me, busyChat, 5_000),
    rows: { messages: 1, chat_participants: 1 + busyPeople, users: 1 + busyPeople },
    by: ["messages_pkey", "chat_participants_chat_id_user_id_key"],
  },
  {
    what: "the read positions that have moved in a room",
    run: () => findRoomReads(sql, busyChat, [me]),
    rows: { chats: 1, chat_participants: busyPeople, users: busyPeople },
    by: ["chat_participants_chat_id_user_id_key"],
  },
  {
    what: "a room as somebody joins it, with its read positions",
    run: () => readArrivals(sql, [{ userId: me, chatId: busyChat, afterSeq: undefined }]),
    rows: { chats: 1, chat_participants: 1 + busyPeople, users: 1 + busyPeople },
    by: ["chat_participants_chat_id_user_id_key"],
  },
  {
    what: "a read position that moves",
    run: () => updateReadPosition(sql, me, busyChat, (readTo += 10)),
    // The person's own messages are counted among those between the two positions.
    rows: { chats: 1, chat_participants: 2, messages: 10 },
    by: ["messages_chat_id_seq_key"],
  },
  {
    what: "one chat of a person's list",
    run: () => findChatSummaries(sql, me, busyChat),
    rows: { chat_participants: 1, chats: 1, messages: 2 },
    by: ["messages_chat_id_seq_key"],
  },
  {
    what: "whether people are in a chat together",
    run: () =>
      areTogether(
        sql,
        watchedIds.map((userId) => ({ watcherId: me, userId })),
      ),
    // Each of them is in two chats, of which one is the person's.
    rows: { chat_participants: 4 * watchedIds.length },
    by: ["chat_participants_user_id_idx"],
  },
  {
    what: "what others are shown of people",
    run: () => findPresence(sql, watchedIds),
    rows: { users: watchedIds.length, presence: watchedIds.length, last_seen: watchedIds.length },
    by: ["users_pkey", "presence_pkey", "last_seen_pkey"],
  },
  {
    what: "presence and memberships that have changed",
    // No transaction has come so far.
    run: () => findChanges(sql, "1000000000000:1000000000000:"),
    rows: { presence: 0, membership_changes: 0 },
    by: ["presence_changed_xid_idx", "membership_changes_changed_xid_idx"],
  },
  {
    what: "the statuses of people on a server",
    run: () =>
      writePresence(
        sql,
        session,
        watchedIds.map((userId) => ({ userId, status: "offline", goneForMs: 0 })),
      ),
    rows: { users: 2 * watchedIds.length },
    by: ["users_pkey"],
  },
  {
    what: "a session's chats",
    run: () => readArrivals(sql, [{ sessionId: session, userId: 1 }]),
    rows: { sessions: 1, chat_participants: myChats },
    by: ["sessions_pkey", "chat_participants_user_id_idx"],
  },
  {
    what: "a refresh token",
    run: () => rotateRefreshToken(sql, rotation),
    rows: { sessions: 1, users: 1 },
    by: ["sessions_pkey"],
  },
  {
    what: "whether a session goes on",
    run: () => isSessionLive(sql, { sessionId: session, id: 1 }),
    rows: { sessions: 1 },
    by: ["sessions_pkey"],
  },
  {
    what: "whether many sessions go on",
    run: () => findLiveSessions(sql, [session, crypto.randomUUID(), crypto.randomUUID()]),
    rows: { sessions: 3 },
    by: ["sessions_pkey"],
  },
  {
    what: "a person's sessions",
    run: () => findSessions(sql, { id: me, sessionId: session }),
    rows: { sessions: 1 },
    by: ["sessions_user_id_idx"],
  },
  {
    what: "a ticket that nobody has",
    run: () => takeTicket(sql, Buffer.from("none")),
    rows: { sessions: 1, socket_tickets: 0 },
    by: ["socket_tickets_pkey"],
  },
  {
    what: "expired sessions and tickets",
    run: () => deleteExpired(sql, 100),
    rows: { sessions: 0, socket_tickets: 0 },
    by: ["sessions_expires_at_idx", "socket_tickets_expires_at_idx"],
  },
];

describe.each(["force_custom_plan", "force_generic_plan"])("under %s", (mode) => {
  beforeAll(async () => {
    await sql.unsafe(`set plan_cache_mode = ${mode}`);
  });

  test.each(cases)("$what: by index, and no row too many", async ({ run, rows, by }) => {
    const { read, indexes } = await filled.explain(run);
    for (const [table, max] of Object.entries(rows)) {
      expect(read, table).toHaveProperty(table);
      expect(read[table] ?? 0, `rows of ${table}`).toBeLessThanOrEqual(max);
    }
    expect(indexes).toEqual(expect.arrayContaining(by));
  });
});

test("a search among 100,000 people goes by the indexes, and reads no row too many", async () => {
  await sql`set auto_explain.log_min_duration = -1`;
  await fillInBulk(
    sql,
    `
    insert into users (username, email, hashed_password)
    select 'more' || n, 'more' || n || '@example.com', 'x' from generate_series(20001, 100000) n;
    insert into display_name_parts (user_id, part)
    select id, part
    from users, unnest(array['jo muller ' || id, 'muller ' || id, id::text]) part
    where id > 20000;
    `,
  );
  await sql`set auto_explain.log_min_duration = 0`;
  const searches = [
    { usernamePart: "more", namePart: "more", by: ["users_username_order_idx"] },
    { usernamePart: "jo", namePart: "jo", by: ["display_name_parts_part_idx"] },
    { usernamePart: "muller", namePart: "muller", by: ["display_name_parts_part_idx"] },
    { usernamePart: "e99999", namePart: "e99999", by: ["users_username_bigrams_idx"] },
    { usernamePart: undefined, namePart: "muller 77", by: ["display_name_parts_part_idx"] },
  ];
  for (const mode of ["force_custom_plan", "force_generic_plan"]) {
    await sql.unsafe(`set plan_cache_mode = ${mode}`);
    for (const { by, ...parts } of searches) {
      const { read, indexes } = await filled.explain(() =>
        findPeople(sql, { ...parts, callerId: 1, limit: 10 }),
      );
      expect(indexes).toEqual(expect.arrayContaining(by));
      for (const table of ["users", "display_name_parts", "user_blocks"]) {
        expect(read[table] ?? 0, `${JSON.stringify(parts)}, rows of ${table}`).toBeLessThan(1_500);
      }
    }
  }
}, 30_000);

test("a table that is read from end to end is noticed", async () => {
  const { read, indexes } = await filled.explain(
    () => sql`select id from messages where content = 'message 7'`,
  );
  expect(read.messages).toBeGreaterThan(20_000);
  expect(indexes).toEqual([]);
});

test("the statement that stores a message is not planned anew each time", async () => {
  await sql.unsafe("set plan_cache_mode = auto");
  const storeFive = async () => {
    for (let time = 0; time < 5; time += 1) {
      const message = { ...fromMe, content: "planned", clientId: crypto.randomUUID() };
      await insertMessages(sql, [message], { leaseSeconds: 6 });
    }
  };
  const customPlans = async () => {
    const [plans] = await sql`
      select sum(custom_plans)::int as custom from pg_prepared_statements where statement like '%insert into messages%'
    `;
    return Number(plans?.custom);
  };
  // PostgreSQL plans a statement anew for the first five times in any case.
  await storeFive();
  const before = await customPlans();
  await storeFive();
  expect(await customPlans()).toBe(before);
});
