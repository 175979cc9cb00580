// A database that is not small, and what PostgreSQL does in it: auto_explain tells of each statement as the code sends it.
import { expect } from "bun:test";
import { pino } from "pino";
import { z } from "zod";
import { parseDatabaseUrl } from "../../src/config/database-address.ts";
import { connect, many, type Sql } from "../../src/database/connect.ts";
import { giveBackDatabase, newDatabase } from "./cluster.ts";

export const busyChat = 1;
export const busyPeople = 51;
/** The chat of person 3 and of person 1. */
export const quietChat = 3;
export const me = 1;
export const myChats = 20;
/** A person who has blocked so many. */
export const blocker = 5_000;
export const blockedPeople = 20;
export const session = "00000000-0000-4000-8000-000000000001";

/** 20,000 people; 20,000 messages, half of them in one of 10,001 chats; person 1 is in that one and in 19 others. */
const filling = `
  insert into users (username, email, hashed_password)
  select 'user' || n, 'user' || n || '@example.com', 'x' from generate_series(1, 20000) n;
  -- As a trigger stores them for "Jo Müller 77".
  insert into display_name_parts (user_id, part)
  select n, part from generate_series(1, 20000) n, unnest(array['jo muller ' || n, 'muller ' || n, n::text]) part;
  insert into user_blocks (blocker_id, blocked_id)
  select ${blocker}, ${blocker} + n from generate_series(1, ${blockedPeople}) n
  union all select n, n + 1 from generate_series(10000, 15000) n;
  insert into people_changes (user_id, kind) select n, 'profile' from generate_series(1, 20000) n;

  insert into chats (name, owner_id, last_seq, message_count, is_group)
  select 'chat ' || n, n, 30000, case n when 1 then 10000 else 1 end, true from generate_series(1, 10001) n;

  -- The trigger of this table notes the changes of memberships.
  set session_replication_role = origin;
  insert into chat_participants (chat_id, user_id, last_read_seq)
  select 1, 1 + n * 40, 40 from generate_series(1, 49) n
  union all
  select chat, chat + n, 3 from generate_series(1, 10001) chat, generate_series(0, 1) n
  union all
  select chat, ${me}, 3 from generate_series(2, ${myChats}) chat;
  set session_replication_role = replica;

  insert into messages (chat_id, user_id, content, seq, updated_seq, ordinal, client_id)
  select 1, 1 + n % 50 * 40, 'message ' || n, n, case when n % 100 = 0 then 20000 + n else n end, n, 'c' || n
  from generate_series(1, 10000) n
  union all
  select chat, chat, 'message ' || n, n, n, n, 'c' || n
  from generate_series(2, 10001) chat, generate_series(1, 1) n;

  insert into messages (chat_id, content, is_bot, seq, updated_seq, ordinal, status, answer_to)
  select 2, '', true, 100 + n, 100 + n, 100 + n, 'streaming', n
  from generate_series(1, 3) n;
  insert into answer_runs (message_id, chat_id, reserved_tokens, lease_expires_at)
  select id, chat_id, 0, now() - interval '1 hour' from messages where status = 'streaming'
  union all
  select null, n, 0, now() + interval '1 hour' from generate_series(1, 2000) n;

  insert into chat_changes (chat_id, seq, kind, message_id)
  select chat_id, updated_seq, 'message_updated', id from messages where updated_seq <> seq;
  insert into chat_changes (chat_id, seq, kind)
  select chat, 20000 + n, 'chat_updated' from generate_series(2, 10001) chat, generate_series(1, 2) n;

  insert into message_reactions (chat_id, message_id, emoji, user_id)
  select chat_id, id, '🎉', user_id from messages where chat_id = 1 and user_id is not null and id % 2 = 0;

  insert into message_versions (message_id, updated_seq, content, created_at)
  select n, n, 'before ' || n, now() from generate_series(1001, 6000) n;

  insert into message_mentions (user_id, chat_id, seq, message_id)
  select user_id, chat_id, n, n
  from chat_participants, generate_series(1, case when chat_id = 1 then 2000 else 1 end) n
  where chat_id <> ${quietChat}
  union all
  select user_id, chat_id, n, n from chat_participants, generate_series(1, 50) n where chat_id = ${quietChat};

  insert into sessions (id, user_id, refresh_token_hash, expires_at)
  select case n when 1 then '${session}' else gen_random_uuid() end, n, 'x', now() + n * interval '1 minute'
  from generate_series(1, 2000) n;
  insert into socket_tickets (ticket_hash, session_id, expires_at)
  select sha256(n::text::bytea), '${session}', now() + n * interval '1 minute' from generate_series(1, 2000) n;

  insert into presence_servers (id, expires_at) values ('${session}', now() + interval '1 hour');
  insert into presence (user_id, server_id, status)
  select n, '${session}', 'online' from generate_series(1, 20000) n;
  insert into last_seen (user_id, last_seen_at) select n, now() from generate_series(1, 20000) n;
`;

const Index = z.object({ name: z.string(), definition: z.string() });

/**
 * Runs statements that fill tables: without triggers, those of foreign keys included, and without the indexes that are not
 * unique, which are made again afterwards. Both would take most of the time.
 */
export async function fillInBulk(sql: Sql, statements: string): Promise<void> {
  const indexes = many(
    await sql`
      select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition
      from pg_index join pg_class on pg_class.oid = indrelid
      where relnamespace = 'public'::regnamespace and not indisunique
    `,
    Index,
  );
  await sql.unsafe(`
    ${indexes.map(({ name }) => `drop index ${name};`).join("\n")}
    set session_replication_role = replica;
    ${statements}
    set session_replication_role = origin;
    ${indexes.map(({ definition }) => `${definition};`).join("\n")}
    analyze;
  `);
}

const Node = z.looseObject({
  "Node Type": z.string(),
  "Relation Name": z.string().optional(),
  "Index Name": z.string().optional(),
  "Actual Rows": z.number(),
  "Actual Loops": z.number(),
  "Rows Removed by Filter": z.number().default(0),
  get Plans() {
    return z.array(Node).optional();
  },
});
type Node = z.infer<typeof Node>;
const Notice = z.object({ notice: z.string().optional() });
const Explained = z.object({ "Query Text": z.string(), Plan: Node });

function nodesOf(node: Node): Node[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}

export async function openFilled() {
  const plans: Node[] = [];
  const log = pino(
    { level: "debug" },
    {
      write(line: string) {
        const { notice } = Notice.parse(JSON.parse(line));
        const json = notice?.split("plan:\n")[1];
        if (json) plans.push(Explained.parse(JSON.parse(json)).Plan);
      },
    },
  );
  const url = await newDatabase();
  const sql = connect(parseDatabaseUrl(url), log, { max: 1 });
  await fillInBulk(sql, filling);
  await sql.unsafe(`
    load 'auto_explain';
    set auto_explain.log_min_duration = 0;
    set auto_explain.log_analyze = on;
    set auto_explain.log_timing = off;
    set auto_explain.log_format = json;
    set auto_explain.log_level = notice;
  `);

  return {
    sql,
    /** The indexes that some statements went by, and how many rows of each table they looked at. */
    async explain(work: () => PromiseLike<unknown>) {
      plans.length = 0;
      await work();
      const nodes = plans.flatMap(nodesOf);
      expect(nodes.length).toBeGreaterThan(0);
      const read: Record<string, number> = {};
      for (const node of nodes) {
        const table = node["Relation Name"];
        if (!table || !node["Node Type"].includes("Scan")) continue;
        const rows = (node["Actual Rows"] + node["Rows Removed by Filter"]) * node["Actual Loops"];
        read[table] = (read[table] ?? 0) + rows;
      }
      return { read, indexes: nodes.flatMap((node) => node["Index Name"] ?? []) };
    },
    async close() {
      await sql.end();
      await giveBackDatabase(url);
    },
  };
}
