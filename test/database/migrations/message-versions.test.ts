// The migration that keeps the texts of edited messages, on a database with answers from before it, and back with deleted messages.
import { expect } from "bun:test";
import { pino } from "pino";
import { parseDatabaseUrl } from "../../../src/config/database-address.ts";
import { connect } from "../../../src/database/connect.ts";
import { migrate } from "../../../src/database/migrations/migrate.ts";
import { giveBackDatabase, emptyDatabase } from "../../world/cluster.ts";
import { longTest } from "../../world/long.ts";
import { goBack } from "../../world/roll-back.ts";
import { fill } from "../../world/schema.ts";

const log = pino({ level: "silent" });

longTest(
  "the migration of versions takes the end of an answer for the last change of its text, and goes back with deleted messages",
  async () => {
    const url = await emptyDatabase();
    const sql = connect(parseDatabaseUrl(url), log, { max: 1 });
    try {
      await migrate(parseDatabaseUrl(url), { log });
      await fill(sql);
      const later = await goBack(sql, "_message_versions.sql");
      await sql`update messages set status = 'complete', content = 'Yes.', updated_seq = 9 where id = 3`;
      expect(await migrate(parseDatabaseUrl(url), { log })).toEqual(later);
      const rows = await sql`select id, content_seq from messages order by id`;
      expect(rows.map((row) => ({ ...row }))).toEqual([
        { id: 1, content_seq: null },
        { id: 2, content_seq: null },
        { id: 3, content_seq: 9 },
      ]);
      await sql`
      update messages set content = '', deleted_at = now(), updated_seq = 10 + id, content_seq = 10 + id where id in (1, 3)
    `;
      await goBack(sql, "_message_members.sql");
      const contents = await sql`select content from messages order by id`;
      expect(contents.map(({ content }) => String(content))).toEqual(["-", "/bot why?", ""]);
    } finally {
      await sql.end();
      await giveBackDatabase(url);
    }
  },
  20_000,
);
