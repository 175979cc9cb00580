// Takes over the database of a FastAPI server into an empty one: all that can be taken, in one transaction, or nothing.
// The rows go through temporary tables, in which SQL checks and numbers them however many there are.
import type postgres from "postgres";
import type { DatabaseAddress } from "../../config/database-address.ts";
import { readTables } from "../backup/tables.ts";
import { refuseRows, refuseServers } from "../backup/unused.ts";
import { setLocally } from "../connection-options.ts";
import { type MigrateOptions, migrationStates, whileMigrating } from "../migrations/migrate.ts";
import { quotedName } from "../names.ts";
import { check } from "./checks.ts";
import { insertStaged } from "./insert.ts";
import { findTables, type FoundTables, type TableKind, unusedParts } from "./layout.ts";
import { withSource } from "./open-source.ts";
import { type Counts, countRows, listRows } from "./report.ts";
import type { Source } from "./source.ts";
import { stage } from "./staging.ts";

/** The wait for a lock is that for a reader of the empty database's tables. */
const limits = {
  lock_timeout: "10s",
  statement_timeout: "0",
  // It is idle while the source is read.
  idle_in_transaction_session_timeout: "0",
};

export interface ImportOptions extends MigrateOptions {
  /** Everything is done, then rolled back: the database stays empty. */
  dryRun: boolean;
  /** A hash that no password matches, for those who cannot sign in. */
  unusableHash: string;
  /** Called with a line for each row that is left out or changed. */
  list: (line: string) => void;
  /** Called with the progress of the import. */
  progress: (text: string) => void;
}

/** Rolls the transaction of a dry run back. */
class DryRun extends Error {
  constructor(readonly counts: Record<TableKind, Counts>) {
    super("The dry run ends without a change.");
  }
}

/**
 * Fills an empty, migrated database that no server uses with the users, chats, messages and read positions of a FastAPI
 * server, under the same ids. The source is only read.
 * @param from where the source is, as {@link withSource} has it
 * @returns row counts of the source's tables
 * @throws Error with a sentence for the user: the source cannot be read, or lacks tables or columns; the database has rows or
 * pending migrations, or is used by a server. It has nothing of the source then.
 */
export async function importFastapi(
  address: DatabaseAddress,
  from: string,
  options: ImportOptions,
): Promise<Record<TableKind, Counts>> {
  await refusePending(address, options);
  return withSource(from, async (source) => {
    const tables = findTables(source);
    const unused = unusedParts(source, tables);
    if (unused.length > 0) options.progress(`not taken over: ${unused.join(", ")}`);
    return whileMigrating(address, options, async ({ sql }) => {
      const counts = await sql
        .begin((transaction) => run(transaction, address, { source, tables, options }))
        .catch((error: unknown) => {
          if (error instanceof DryRun) return error.counts;
          throw error;
        });
      if (!options.dryRun) await sql`analyze`;
      return counts;
    });
  });
}

async function refusePending(address: DatabaseAddress, options: MigrateOptions): Promise<void> {
  const states = await migrationStates(address, options);
  const pending = states.filter(({ applied }) => !applied).map(({ name }) => name);
  if (pending.length === 0) return;
  throw new Error(
    `The database has pending migrations (${pending.join(", ")}): apply them first with \`bun run db:up\`.`,
  );
}

async function run(
  sql: postgres.TransactionSql,
  address: DatabaseAddress,
  { source, tables, options }: { source: Source; tables: FoundTables; options: ImportOptions },
): Promise<Record<TableKind, Counts>> {
  await refuseServers(sql, address, "import");
  await setLocally(sql, address, limits);
  const own = await readTables(sql);
  await sql.unsafe(
    `lock table ${own.map(({ name }) => quotedName(name)).join(", ")} in access exclusive mode`,
  );
  await refuseRows(sql, own, "an import");
  const { unusableHash, progress } = options;
  await stage(sql, source, tables, { now: new Date(), unusableHash, progress });
  progress("checking the rows");
  await check(sql);
  await listRows(sql, tables, options.list);
  progress("numbering and storing the messages");
  await insertStaged(sql, tables.receipts !== undefined);
  const counts = await countRows(sql);
  if (options.dryRun) throw new DryRun(counts);
  return counts;
}
