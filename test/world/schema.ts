// A migrated database with a few rows in it, to ask what its constraints refuse and what goes with what.
import { pino } from "pino";
import { z } from "zod";
import { parseDatabaseUrl } from "../../src/config/database-address.ts";
import { connect, type Sql } from "../../src/database/connect.ts";
import { borrowDatabase, giveBackDatabase } from "./cluster.ts";

export const session = "00000000-0000-4000-8000-000000000001";

/**
 * alice and bob in chat 1, which is alice's: a question with a running answer, a change and two summaries. Bob is in chat 2
 * alone, which has a summary of the same numbers and more.
 */
export async function fill(sql: Sql): Promise<void> {
  await sql.unsafe(`
    insert into users (username, email, hashed_password) values
      ('alice', 'alice@example.com', 'x'), ('bob', 'bob@example.com', 'x');
    insert into sessions (id, user_id, refresh_token_hash, expires_at) values ('${session}', 2, '', now());
    insert into socket_tickets (ticket_hash, session_id, expires_at) values ('a', '${session}', now());
    insert into chats (name, owner_id, last_seq, updated_seq, message_count, participant_count) values
      ('one', 1, 4, 1, 3, 2), ('two', 2, 0, 0, 0, 1);
    insert into chat_participants (chat_id, user_id) values (1, 1), (1, 2), (2, 2);
    insert into messages
      (chat_id, user_id, content, is_bot, seq, updated_seq, ordinal, client_id, status, answer_to)
    values
      (1, 2, 'hello', false, 2, 2, 1, 'c1', 'complete', null),
      (1, 1, '/bot why?', false, 3, 3, 2, null, 'complete', null),
      (1, null, '', true, 4, 4, 3, null, 'streaming', 2);
    insert into chat_changes (chat_id, seq, kind, user_id) values (1, 1, 'participant_added', 2);
    insert into answer_runs (message_id, chat_id, user_id, reserved_tokens, lease_expires_at) values (3, 1, 1, 500, now());
    insert into budgets (kind, id, running, reserved_tokens, day) values ('chat', 1, 1, 500, now()), ('user', 1, 1, 500, now());
    insert into usage_days (kind, id, day, answers) values ('chat', 1, '2026-11-23', 4), ('user', 1, '2026-11-23', 3);
    insert into chat_summaries (chat_id, up_to_seq, content) values
      (1, 2, 'Bob greets.'), (1, 3, 'Bob greets, Alice asks.'), (2, 9, 'Bob is alone.');
    insert into answer_receipts
      (message_id, model, settings, message_ids, message_versions, summary_id, summary_up_to_seq, estimated_tokens)
    values (3, 'gemini', '{}', '{2}', '{3}', 1, 2, 40);
    insert into audit_events (action, outcome, actor_id, actor_name, target, at) values
      ('create_chat', 'ok', 1, 'alice', 'chat:1', now() - interval '10 days'),
      ('sign_in', 'ok', 2, 'bob', 'session:1', now());
  `);
}

/** An `insert` of one row; the values are SQL. */
export function insert(table: string, columns: Record<string, string | number>): string {
  const names = Object.keys(columns).join(", ");
  return `insert into ${table} (${names}) values (${Object.values(columns).join(", ")})`;
}

export async function openSchema() {
  const url = await borrowDatabase();
  const sql = connect(parseDatabaseUrl(url), pino({ level: "silent" }), { max: 1 });
  await fill(sql);
  return {
    sql,

    /** The constraint that a statement breaks; undefined when it is accepted. It is taken back. */
    async refusal(statement: string): Promise<string | undefined> {
      try {
        await sql.unsafe(`begin; ${statement}; rollback`);
        return undefined;
      } catch (error) {
        await sql.unsafe("rollback");
        return z.object({ constraint_name: z.string() }).parse(error).constraint_name;
      }
    },

    /** The row of a query after a statement, which is taken back. */
    async after(statement: string, query: string) {
      const results = await sql.unsafe(`begin; ${statement}; ${query}`);
      await sql.unsafe("rollback");
      return results.at(-1)?.[0];
    },

    async close() {
      await sql.end();
      await giveBackDatabase(url);
    },
  };
}
