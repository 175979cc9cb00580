// Reads the stored data directly from the database's tables, not through the server.
import { z } from "zod";
import { many, type Sql } from "../../../src/database/connect.ts";
import { messageColumns } from "../../../src/log/messages.ts";
import { Message } from "../../../src/wire/messages.ts";
import { indexFaults } from "../../search/compare-index.ts";
import type { History, StoredChat } from "./history.ts";

const StoredMessage = Message.extend({
  ordinal: z.int(),
  versions: z.array(z.object({ updated_seq: z.int(), content: z.string() })),
});
const Change = z.object({
  seq: z.int(),
  kind: z.enum([
    "message_updated",
    "answer_ended",
    "participant_added",
    "participant_removed",
    "participant_updated",
    "chat_updated",
    "reaction_added",
    "reaction_removed",
  ]),
  message_id: z.int().nullable(),
  user_id: z.int().nullable(),
  emoji: z.string().nullable(),
  emoji_count: z.int().nullable(),
});
const ChatRow = z.object({
  id: z.int(),
  name: z.string(),
  last_seq: z.int(),
  updated_seq: z.int(),
  message_count: z.int(),
  participant_count: z.int(),
});

export async function readStored(sql: Sql, chatIds: number[]): Promise<StoredChat[]> {
  const chats = many(
    await sql`
      select id, name, last_seq, updated_seq, message_count, participant_count
      from chats where id = any (${chatIds}::bigint[]) order by id
    `,
    ChatRow,
  );
  return await Promise.all(
    chats.map(async (chat) => ({
      ...chat,
      messages: many(
        await sql`
          select ${messageColumns(sql)}, m.ordinal, (
              select coalesce(jsonb_agg(to_jsonb(version)), '[]') from (
                select updated_seq, content from message_versions where message_id = m.id
                union all
                select coalesce(m.content_seq, m.seq), m.content where m.deleted_at is null
              ) version
            ) as versions
          from messages m left join users u on u.id = m.user_id
          where m.chat_id = ${chat.id} order by m.seq
        `,
        StoredMessage,
      ),
      changes: many(
        await sql`
          select seq, kind, message_id, user_id, emoji, emoji_count from chat_changes where chat_id = ${chat.id} order by seq
        `,
        Change,
      ),
      reactors: many(
        await sql`
          select message_id, emoji, user_id from message_reactions where chat_id = ${chat.id}
        `,
        z.object({ message_id: z.int(), emoji: z.string(), user_id: z.int() }),
      ),
      participants: many(
        await sql`select user_id from chat_participants where chat_id = ${chat.id} order by user_id`,
        z.object({ user_id: z.int() }),
      ).map((row) => row.user_id),
    })),
  );
}

/** The display names of people, with the beginnings by which the search finds them. */
export async function readNames(sql: Sql, userIds: number[]): Promise<History["names"]> {
  const rows = many(
    await sql`
      select id, display_name, array(select part from display_name_parts where user_id = users.id) as parts
      from users where id = any (${userIds}::bigint[]) and display_name is not null
    `,
    z.object({ id: z.int(), display_name: z.string(), parts: z.array(z.string()) }),
  );
  return new Map(
    rows.map(({ id, display_name, parts }) => [id, { displayName: display_name, parts }]),
  );
}

/**
 * Lets the leases run out of what was reserved for questions that were never stored, which takes a minute. To be called
 * when nobody asks any more.
 */
export async function endAdmissions(sql: Sql): Promise<void> {
  await sql`update answer_runs set lease_expires_at = now() where message_id is null`;
}

/** How many answers are streaming, or are still to be settled. */
export async function countRunning(sql: Sql): Promise<number> {
  const rows = many(
    await sql`
      select (select count(*) from messages where status = 'streaming') + (select count(*) from answer_runs) as count
    `,
    z.object({ count: z.int() }),
  );
  return rows[0]?.count ?? 0;
}

/** Differences between the index of the searches and the messages; none once the worker has come to their end. */
export async function findSearchFaults(sql: Sql, msMax: number): Promise<string[]> {
  const deadline = performance.now() + msMax;
  for (;;) {
    const faults = await indexFaults(sql);
    if (faults.length === 0 || performance.now() > deadline) return faults;
    await Bun.sleep(100);
  }
}

/** Finds budgets that still hold reservations although no answer runs. */
export async function findUnsettledBudgets(sql: Sql): Promise<string[]> {
  const rows = await sql`
    select kind || ' ' || id || ': ' || running || ' running, ' || reserved_tokens || ' reserved' as budget
    from budgets where running <> 0 or reserved_tokens <> 0
  `;
  return rows.map((row) => String(row.budget));
}
