// The migration that gives each pair of people one private chat, on a database with chats from before it.
import { expect } from "bun:test";
import { pino } from "pino";
import { parseDatabaseUrl } from "../../../src/config/database-address.ts";
import { connect } from "../../../src/database/connect.ts";
import { migrate } from "../../../src/database/migrations/migrate.ts";
import { giveBackDatabase, emptyDatabase } from "../../world/cluster.ts";
import { longTest } from "../../world/long.ts";
import { goBack } from "../../world/roll-back.ts";

const log = pino({ level: "silent" });

longTest(
  "the migration of private chats keeps all of a pair's, and registers the one that was written in last",
  async () => {
    const url = await emptyDatabase();
    const sql = connect(parseDatabaseUrl(url), log, { max: 1 });
    try {
      await migrate(parseDatabaseUrl(url), { log });
      const later = await goBack(sql, "_private_chats.sql");
      await sql.unsafe(`
      insert into users (username, email, hashed_password) values
        ('ann', 'ann@example.com', 'x'), ('ben', 'ben@example.com', 'x'), ('cat', 'cat@example.com', 'x');
      insert into chats (name, owner_id, is_group, is_ai_chat, last_seq, message_count, participant_count) values
        ('ann, ben', 1, false, false, 1, 1, 2),
        ('ben, ann', 2, false, false, 1, 1, 2),
        ('Ours', 1, false, false, 0, 0, 2),
        ('ann', 1, false, false, 0, 0, 1),
        ('ann', 1, false, false, 0, 0, 2),
        ('ann, ben', 1, true, false, 0, 0, 2),
        ('Gemini', 1, false, true, 0, 0, 2);
      insert into chat_participants (chat_id, user_id) values
        (1, 1), (1, 2), (2, 2), (2, 1), (3, 1), (3, 2), (4, 1), (5, 1), (5, 3), (6, 1), (6, 2), (7, 1), (7, 2);
      insert into messages (chat_id, user_id, content, seq, updated_seq, ordinal, created_at) values
        (1, 1, 'older', 1, 1, 1, '2026-01-01'), (2, 2, 'newer', 1, 1, 1, '2026-01-02');
    `);
      expect(await migrate(parseDatabaseUrl(url), { log })).toEqual(later);
      const pairs = await sql`
      select low_user_id, high_user_id, chat_id from private_chats order by low_user_id, high_user_id
    `;
      expect(pairs.map((row) => ({ ...row }))).toEqual([
        { low_user_id: 1, high_user_id: 2, chat_id: 2 },
        { low_user_id: 1, high_user_id: 3, chat_id: 5 },
      ]);
      const chats = await sql`select id, is_named from chats order by id`;
      expect(chats.map(({ is_named }) => is_named)).toEqual([
        false,
        false,
        true,
        false,
        false,
        true,
        true,
      ]);
      await sql`delete from chat_participants where chat_id = 5 and user_id = 3`;
      await sql`delete from chats where id = 2`;
      expect(await sql`select chat_id from private_chats`).toHaveLength(0);
    } finally {
      await sql.end();
      await giveBackDatabase(url);
    }
  },
  20_000,
);
