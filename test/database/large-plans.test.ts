// The rows that exports, reports, deletions of accounts and pages around a message read, among 100,000 of each of their tables.
import { afterAll, beforeAll, describe, expect } from "bun:test";
import { deleteSessions, markAccountDeleted } from "../../src/account-deletion/account-queries.ts";
import {
  beginErasure,
  eraseMessages,
  findChatsToLeave,
  findDeletions,
  findMessagesToErase,
  finishDeletion,
  leaveForGood,
  moveErasure,
} from "../../src/account-deletion/job-queries.ts";
import type { Actor } from "../../src/audit/queries.ts";
import type { Sql } from "../../src/database/connect.ts";
import {
  findLargeParts,
  findLastMessageId,
  findOwnMessages,
  findOwnReactions,
  findSmallParts,
} from "../../src/export/account-queries.ts";
import { findMessages } from "../../src/log/page-queries.ts";
import { findReportsForOperators } from "../../src/moderation/operator-queries.ts";
import {
  findReport,
  findReports,
  insertReport,
  updateResolved,
} from "../../src/moderation/report-queries.ts";
import { updateRole } from "../../src/moderation/role-queries.ts";
import { fillInBulk, openFilled } from "../world/filled.ts";
import { isLong, longTest } from "../world/long.ts";

const rows = 100_000;
const firstPerson = 30_001;
const people = 1_000;
/** It has 100,000 messages and 1,000 people, all of whom have written 100 messages and reported as many. */
const chat = 30_001;
const firstMessage = 100_001;
const owner = firstPerson;
const moderator = firstPerson + 1;
const member = firstPerson + 2;
/** People who go, one after the other. Each is in the chat, and owns one of their own. */
let leaving = firstPerson + 100;

const filling = `
  insert into users (id, username, email, hashed_password)
  select ${firstPerson} + n, 'large' || n, 'large' || n || '@example.com', 'x' from generate_series(0, ${people - 1}) n;
  insert into chats (id, name, owner_id, last_seq, message_count, participant_count)
  values (${chat}, 'large', ${owner}, ${rows}, ${rows}, ${people});
  insert into chats (id, name, owner_id, last_seq, participant_count)
  select ${chat} + 1 + n, 'own', ${firstPerson} + n, 3, 1 from generate_series(0, ${people - 1}) n;
  insert into chat_participants (chat_id, user_id, role)
  select ${chat}, ${firstPerson} + n, case n when 1 then 'moderator' else 'member' end from generate_series(0, ${people - 1}) n
  union all
  select ${chat} + 1 + n, ${firstPerson} + n, 'member' from generate_series(0, ${people - 1}) n;
  insert into messages (id, chat_id, user_id, content, seq, updated_seq, ordinal)
  select ${firstMessage - 1} + n, ${chat}, ${firstPerson} + n % ${people}, 'message ' || n, n, n, n from generate_series(1, ${rows}) n;
  insert into message_versions (message_id, updated_seq, content, created_at)
  select ${firstMessage - 1} + n, n, 'before', now() from generate_series(1, ${rows}) n;
  insert into message_reactions (chat_id, message_id, emoji, user_id)
  select ${chat}, ${firstMessage - 1} + n, '🎉', ${firstPerson} + (n + 1) % ${people} from generate_series(1, ${rows}) n;
  insert into message_reports (chat_id, message_id, user_id, reason, resolved_at)
  select case when n % 2 = 0 then ${chat} else ${chat} + n % ${people} end, ${firstMessage - 1} + n,
    ${firstPerson} + (n + 1) % ${people}, 'rude', case when n % 10 = 0 then null else now() end
  from generate_series(1, ${rows}) n;
  insert into audit_events (action, outcome, actor_id, actor_name, target, address, details)
  select 'sign_in', 'ok', ${firstPerson} + n % ${people}, 'x', 'user:' || ${firstPerson} + n % ${people}, '127.0.0.1', '{}'
  from generate_series(1, ${rows}) n;
  insert into usage_days (kind, id, day)
  select 'user', ${firstPerson} + n % ${people}, date '2026-01-01' + n / ${people} from generate_series(1, ${rows}) n;
  insert into sessions (user_id, id, refresh_token_hash, expires_at)
  select ${firstPerson} + n % ${people}, gen_random_uuid(), 'x', now() + interval '1 day' from generate_series(1, 10000) n;
  insert into account_deletions (user_id, erases, message_ids_end)
  select ${firstPerson} + 500 + n, true, ${firstMessage + rows} from generate_series(0, 99) n;
`;

let filled: Awaited<ReturnType<typeof openFilled>>;
let sql: Sql;
// Filling the tables takes too long for `bun run check`, which has test/database/plans.test.ts.
beforeAll(async () => {
  if (!isLong) return;
  filled = await openFilled();
  ({ sql } = filled);
  // Nobody needs to know how they are filled.
  await sql`set auto_explain.log_min_duration = -1`;
  await fillInBulk(sql, `set statement_timeout = 0; ${filling}`);
  await sql`set auto_explain.log_min_duration = 0`;
}, 90_000);
afterAll(() => filled?.close());

const actor = (id: number): Actor => ({
  id,
  username: `large${id - firstPerson}`,
  source: { address: "127.0.0.1", userAgent: null },
});
/** Messages of a person have numbers that are a thousand apart. */
const messageOf = (userId: number, nth: number) =>
  firstMessage - 1 + ((userId - firstPerson) % people) + nth * people;
const small = (part: string) => () => findSmallParts(sql, member)[part]!();
const large = (part: string) => () => findLargeParts(sql, member, 200)[part]!(0);
const perPerson = rows / people;

interface Case {
  what: string;
  run: () => Promise<unknown>;
  /** The most rows of these tables that are read; of other tables few are. */
  rows: Record<string, number>;
  by: string[];
}

/** Tables of which a statement that names no number for them looks at so many rows at most. */
const fewRows = 110;
const deleting = [firstPerson + 500, firstPerson + 501, firstPerson + 502, firstPerson + 503];
let reportable = 3;

const cases: Case[] = [
  {
    what: "a page of an export",
    run: () =>
      findMessages(sql, member, chat, {
        after: 50_000,
        before: rows + 1,
        fromOldest: true,
        limit: 200,
      }),
    // The authors of 200 messages by their key, or all 1,000 of the chat at once.
    rows: { messages: 200, users: 1_000 + 20_000 },
    by: ["messages_chat_id_seq_key"],
  },
  {
    what: "the newer half of a page around a message",
    run: () =>
      findMessages(sql, member, chat, {
        after: 49_999,
        before: undefined,
        fromOldest: true,
        limit: 26,
      }),
    rows: { messages: 26, users: 26 },
    by: ["messages_chat_id_seq_key"],
  },
  {
    what: "the older half of a page around a message",
    run: () =>
      findMessages(sql, member, chat, {
        after: undefined,
        before: 50_000,
        fromOldest: false,
        limit: 26,
      }),
    rows: { messages: 26, users: 26 },
    by: ["messages_chat_id_seq_key"],
  },
  { what: "an exported profile", run: small("profile"), rows: { users: 1 }, by: ["users_pkey"] },
  {
    what: "exported sessions",
    run: small("session"),
    rows: { sessions: 10 },
    by: ["sessions_user_id_idx"],
  },
  {
    what: "exported memberships",
    run: small("chat"),
    rows: { chat_participants: 2, chats: 2 },
    by: ["chat_participants_user_id_idx"],
  },
  { what: "exported blocks", run: small("block"), rows: {}, by: ["user_blocks_pkey"] },
  { what: "an exported time", run: small("last_seen"), rows: {}, by: ["last_seen_pkey"] },
  {
    what: "exported reports",
    run: large("report"),
    rows: { message_reports: perPerson + 2 },
    by: ["message_reports_user_id_id_idx"],
  },
  {
    what: "exported usage",
    run: large("usage_day"),
    rows: { usage_days: perPerson + 1 },
    by: ["usage_days_pkey"],
  },
  {
    what: "exported audit events",
    run: large("audit_event"),
    rows: { audit_events: 3 * perPerson + 10 },
    by: ["audit_events_actor_id_idx", "audit_events_target_idx"],
  },
  {
    what: "where the messages end",
    run: () => findLastMessageId(sql),
    rows: { messages: 1 },
    by: ["messages_pkey"],
  },
  {
    what: "exported messages of a range of ids",
    run: () =>
      findOwnMessages(sql, member, { after: firstMessage, to: firstMessage + 10_000, limit: 200 }),
    rows: { messages: 10_000, message_versions: 10 },
    by: ["messages_pkey", "message_versions_pkey"],
  },
  {
    what: "exported reactions of a chat",
    run: () =>
      findOwnReactions(sql, member, chat, { after: { messageId: 0, emoji: "" }, limit: 200 }),
    rows: { message_reactions: rows },
    by: ["message_reactions_pkey"],
  },
  {
    what: "a new report",
    run: () =>
      insertReport(
        sql,
        actor(member),
        { chatId: chat, messageId: messageOf(owner, (reportable += 1)) },
        "rude",
      ),
    rows: { messages: 2, chats: 2, chat_participants: 6 },
    by: ["messages_pkey", "chat_participants_moderators_idx"],
  },
  {
    what: "a report by its id",
    run: () => findReport(sql, { id: 8 }),
    rows: { message_reports: 1, messages: 2, chats: 1, chat_participants: 1, users: 3 },
    by: ["message_reports_pkey"],
  },
  {
    what: "the open report of a person",
    run: () => findReport(sql, { messageId: messageOf(owner, 2), openOf: member }),
    rows: { message_reports: 1 },
    by: ["message_reports_open_key"],
  },
  {
    what: "a page of a chat's reports",
    run: () => findReports(sql, owner, chat, { status: undefined, limit: 21, cursor: 50_000 }),
    rows: { message_reports: 60, messages: 90, users: 90, chats: 60, chat_participants: 60 },
    by: ["message_reports_chat_id_idx"],
  },
  {
    what: "a page of a chat's open reports",
    run: () => findReports(sql, moderator, chat, { status: "open", limit: 21, cursor: undefined }),
    rows: { message_reports: 110, messages: 110, users: 90, chats: 60, chat_participants: 60 },
    by: ["message_reports_chat_id_open_idx"],
  },
  {
    what: "the report that somebody resolves",
    run: () => updateResolved(sql, actor(moderator), chat, (reportable += 1) * 10),
    rows: { message_reports: 2, messages: 2, chat_participants: 6 },
    by: ["message_reports_pkey", "chat_participants_moderators_idx"],
  },
  {
    what: "another role",
    run: () => updateRole(sql, actor(owner), { chatId: chat, userId: (leaving += 1) }, "moderator"),
    rows: { chat_participants: 6, users: 2, chats: 3 },
    by: ["chats_pkey"],
  },
  {
    what: "an account that is deleted",
    run: () => markAccountDeleted(sql, actor((leaving += 1)), { hash: "x", erases: true }),
    rows: { users: 2, sessions: 10, usage_days: perPerson + 1, user_blocks: 0, answer_runs: 3_000 },
    by: ["users_pkey", "sessions_user_id_idx", "usage_days_pkey"],
  },
  {
    what: "sessions that began during a deletion",
    run: () => deleteSessions(sql, leaving),
    rows: { sessions: 10 },
    by: ["sessions_user_id_idx"],
  },
  {
    what: "deletions that are not finished",
    run: () => findDeletions(sql, 10),
    rows: { account_deletions: 110 },
    by: [],
  },
  {
    what: "chats that somebody is still in",
    run: () => findChatsToLeave(sql, leaving, 100),
    rows: { chat_participants: 2 },
    by: ["chat_participants_user_id_idx"],
  },
  {
    what: "a chat of many people that somebody leaves for good",
    run: () => leaveForGood(sql, leaving, chat),
    rows: { chats: 3, chat_participants: 4 },
    by: ["chats_pkey"],
  },
  {
    what: "where the messages of a deletion end",
    run: () => beginErasure(sql, leaving),
    rows: { messages: 1 },
    by: ["messages_pkey"],
  },
  {
    what: "messages to erase",
    run: () =>
      findMessagesToErase(sql, deleting[0]!, { from: firstMessage, to: firstMessage + 10_000 }),
    rows: { messages: 10_000 },
    by: ["messages_pkey"],
  },
  {
    what: "messages that are erased",
    run: () => {
      const userId = deleting.shift()!;
      const ids = Array.from({ length: 50 }, (_, n) => messageOf(userId, n));
      return eraseMessages(sql, userId, chat, ids);
    },
    rows: { messages: 110, message_reports: 150, users: 51 },
    by: ["messages_pkey", "message_reports_message_id_idx"],
  },
  {
    what: "how far an erasure has come",
    run: () => moveErasure(sql, firstPerson + 510, 5),
    rows: { account_deletions: 110 },
    by: [],
  },
  {
    what: "the end of a deletion",
    run: () => finishDeletion(sql, deleting.at(-1)!),
    rows: { message_reports: perPerson, last_seen: 1, presence: 1 },
    by: ["message_reports_user_id_id_idx"],
  },
];

describe.each(["force_custom_plan", "force_generic_plan"])("under %s", (mode) => {
  beforeAll(async () => {
    if (isLong) await sql.unsafe(`set plan_cache_mode = ${mode}`);
  });

  longTest.each(cases)(
    "$what: by index, and no row too many",
    async ({ run, rows: wanted, by }) => {
      const { read, indexes } = await filled.explain(run);
      for (const [table, count] of Object.entries(read)) {
        expect(count, `rows of ${table}`).toBeLessThanOrEqual(wanted[table] ?? fewRows);
      }
      for (const table of Object.keys(wanted)) expect(read, table).toHaveProperty(table);
      expect(indexes).toEqual(expect.arrayContaining(by));
    },
  );
});

longTest(
  "the reports that are left to the operators are looked for among all open ones, and none of the others",
  async () => {
    const { read } = await filled.explain(() => findReportsForOperators(sql, 100));
    expect(read.message_reports).toBeLessThanOrEqual(rows / 10 + 10);
  },
);
