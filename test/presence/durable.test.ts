// What is left of presence after a crash of PostgreSQL.
import { expect, test } from "bun:test";
import { renewLease, writePresence } from "../../src/presence/queries.ts";
import { useWorld } from "../world/world.ts";

const world = useWorld();

test("a status is on the disk once it counts as written, since the server does not write it again", async () => {
  const { sql } = world;
  const ann = await world.person("ann");
  const serverId = crypto.randomUUID();
  await renewLease(sql, serverId, 60_000);
  for (const status of ["online", "away", "online"] as const) {
    const [before] = await sql`select pg_current_wal_insert_lsn()::text as lsn`;
    await writePresence(sql, serverId, [{ userId: ann.id, status, goneForMs: 0 }]);
    const [after] =
      await sql`select pg_current_wal_flush_lsn() > ${before?.lsn}::text::pg_lsn as is_flushed`;
    expect(after?.is_flushed).toBe(true);
  }
});
