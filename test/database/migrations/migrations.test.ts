import { afterAll, beforeAll, describe, expect } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { z } from "zod";
import { parseDatabaseUrl } from "../../../src/config/database-address.ts";
import { connect, many, type Sql } from "../../../src/database/connect.ts";
import { migrate, rollBack } from "../../../src/database/migrations/migrate.ts";
import { giveBackDatabase, emptyDatabase } from "../../world/cluster.ts";
import { longTest } from "../../world/long.ts";
import { goBack } from "../../world/roll-back.ts";
import { fill } from "../../world/schema.ts";

const log = pino({ level: "silent" });
const files = readdirSync(join(import.meta.dir, "../../../db/migrations")).sort();

/** Everything in the database that is ours: tables, sequences, indexes, functions, triggers, types and constraints. */
async function contentsOf(sql: Sql): Promise<string[]> {
  const rows = many(
    await sql`
      select 'relation ' || c.relkind::text || ' ' || c.relname || coalesce(' ' || pg_get_indexdef(i.indexrelid), '') as line
      from pg_class c
      left join pg_index i on i.indexrelid = c.oid
      where c.relnamespace = 'public'::regnamespace
      union all
      select 'column ' || c.relname || ' ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
        || case when a.attnotnull then ' not null' else '' end
        || coalesce(' ' || pg_get_expr(d.adbin, d.adrelid), '') || a.attidentity::text
      from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
      where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
      union all
      select 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
      from pg_constraint where connamespace = 'public'::regnamespace
      union all
      select 'trigger ' || pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
      union all
      select 'function ' || proname from pg_proc where pronamespace = 'public'::regnamespace
      union all
      select 'type ' || typname from pg_type
      where typnamespace = 'public'::regnamespace and typtype in ('e', 'd', 'r')
      union all
      select 'extension ' || extname from pg_extension where extname <> 'plpgsql'
    `,
    z.object({ line: z.string() }),
  );
  return rows
    .map(({ line }) => line)
    .filter((line) => !line.includes("schema_migrations"))
    .sort();
}

describe("the migrations", () => {
  let url: string;
  let sql: Sql;
  beforeAll(async () => {
    url = await emptyDatabase();
    sql = connect(parseDatabaseUrl(url), log, { max: 1 });
  });
  afterAll(async () => {
    await sql.end();
    await giveBackDatabase(url);
  });

  longTest(
    "go up on an empty database, all the way down, also with rows in it, and up to the same again",
    async () => {
      expect(await contentsOf(sql)).toEqual([]);
      expect(await migrate(parseDatabaseUrl(url), { log })).toEqual(files);
      const built = await contentsOf(sql);
      expect(built).toContain("column users username text not null");

      await fill(sql);
      // The last ones by dbmate, which is started once for each.
      for (const name of files.slice(-5).toReversed())
        expect(await rollBack(parseDatabaseUrl(url), { log })).toBe(name);
      expect(await goBack(sql, files[0] ?? "")).toEqual(files.slice(0, -5));
      expect(await contentsOf(sql)).toEqual([]);

      expect(await migrate(parseDatabaseUrl(url), { log })).toEqual(files);
      expect(await contentsOf(sql)).toEqual(built);
    },
    20_000,
  );
});

longTest(
  "the migration of answers takes running ones along, down to the message's own lease and up to a run that is free",
  async () => {
    const url = await emptyDatabase();
    const sql = connect(parseDatabaseUrl(url), log, { max: 1 });
    await migrate(parseDatabaseUrl(url), { log });
    await fill(sql);
    const later = await goBack(sql, "_answers.sql");
    const leases = await sql`
    select id, lease_expires_at is not null as has_lease, lease_expires_at <= now() as is_over from messages order by id
  `;
    expect(leases.map((row) => ({ ...row }))).toEqual([
      { id: 1, has_lease: false, is_over: null },
      { id: 2, has_lease: false, is_over: null },
      { id: 3, has_lease: true, is_over: true },
    ]);

    const leaseEnd = "2026-11-24T12:00:00.000Z";
    await sql`update messages set lease_expires_at = ${leaseEnd} where id = 3`;
    expect(await migrate(parseDatabaseUrl(url), { log })).toEqual(later);
    const runs = await sql`
    select message_id, chat_id, user_id, reserved_tokens, attempt, lease_expires_at from answer_runs
  `;
    expect(runs.map((row) => ({ ...row }))).toEqual([
      {
        message_id: 3,
        chat_id: 1,
        user_id: null,
        reserved_tokens: 0,
        attempt: 1,
        lease_expires_at: leaseEnd,
      },
    ]);
    await sql.end();
    await giveBackDatabase(url);
  },
  20_000,
);
