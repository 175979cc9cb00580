import type postgres from "postgres";
import type { Sql } from "../../src/database/connect.ts";

const lookPauseMs = 2;

/** Settles when at least as many statements of a pool's database wait for locks that others hold. */
export async function untilBlocked(sql: Sql | postgres.Sql, statements = 1): Promise<void> {
  // Of its own, since postgres.js sends statements behind those that wait for locks where all connections are busy.
  const connection = await sql.reserve();
  try {
    for (;;) {
      const blocked = await connection`
        select 1 from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'
      `;
      if (blocked.length >= statements) return;
      // It does not look again at once, so that the statements have the processor.
      await Bun.sleep(lookPauseMs);
    }
  } finally {
    connection.release();
  }
}
