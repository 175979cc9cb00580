// Loads a backup into an empty database: all of it, or nothing.
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Writable } from "node:stream";
import type postgres from "postgres";
import { z } from "zod";
import { ArchiveError, copyStatement, type Header, type Part, readArchive } from "./archive.ts";
import type { DatabaseAddress } from "../../config/database-address.ts";
import { one } from "../connect.ts";
import { setLocally } from "../connection-options.ts";
import { defaultMigrationsDir } from "../migrations/dbmate.ts";
import { type MigrateOptions, type Migrator, whileMigrating } from "../migrations/migrate.ts";
import { appliedVersions, migrationNames, versionOf } from "../migrations/states.ts";
import { quotedName } from "../names.ts";
import { readSequences, readTables, type Table } from "./tables.ts";
import { refuseRows, refuseServers } from "./unused.ts";

/** The wait for a lock is that for a reader of the empty database's tables. */
const limits = { lock_timeout: "10s", statement_timeout: "0" };

/**
 * Loads a file of {@link backUp}. The database gets exactly the backup's migrations, then its rows in one transaction, then the
 * newer migrations of this release.
 * @returns the backup's header
 * @throws Error with a sentence for the user: the file is no whole backup of this release or an older one; the database has
 * rows, is used by a server, or cannot be migrated. It has nothing of the backup then.
 */
export async function restore(
  address: DatabaseAddress,
  file: string,
  options: MigrateOptions,
): Promise<Header> {
  const header = await checkArchive(file);
  const { migrationsDir = defaultMigrationsDir } = options;
  refuseNewer(header, migrationsDir);
  const [schema] = address.schemas;
  return whileMigrating(address, options, async (migrator) => {
    await migrator.sql.begin(async (transaction) => {
      await refuseServers(transaction, address, "restore");
      await refuseRows(transaction, await readTables(transaction), "a backup");
    });
    refuseUnknown(await appliedVersions(migrator.sql, schema), migrationsDir);
    try {
      await migrateTo(migrator, header.migrations, { migrationsDir, schema });
      await migrator.sql.begin(async (transaction) => {
        await setLocally(transaction, address, limits);
        await load(transaction, file, header);
      });
    } finally {
      // After a failure too: the database is empty then, and has the schema of a new one.
      await migrator.apply();
    }
    await migrator.sql`analyze`;
    return header;
  });
}

/** Reads the file to its end. @throws ArchiveError */
async function checkArchive(file: string): Promise<Header> {
  let header: Header | undefined;
  const counts: Header["rows"] = {};
  for await (const part of readArchive(file)) {
    if (part.kind === "header") header = part.header;
    if (part.kind === "rows") {
      counts[part.table.name] = (counts[part.table.name] ?? 0) + part.count;
    }
  }
  const expected = Object.entries(header?.rows ?? {});
  if (!header || expected.some(([name, count]) => (counts[name] ?? 0) !== count)) {
    throw new ArchiveError("The backup does not have as many rows as its header says.");
  }
  return header;
}

function refuseNewer({ version, migrations }: Header, migrationsDir: string): void {
  const known = new Set(migrationNames(migrationsDir).map(versionOf));
  const unknown = migrations.filter((migration) => !known.has(migration));
  if (unknown.length === 0) return;
  throw new ArchiveError(
    `The backup is of release ${version}, and has migrations that this release does not know ` +
      `(${unknown.join(", ")}): restore it with that release, or a newer one.`,
  );
}

function refuseUnknown(applied: string[], migrationsDir: string): void {
  const known = new Set(migrationNames(migrationsDir).map(versionOf));
  const unknown = applied.filter((version) => !known.has(version));
  if (unknown.length === 0) return;
  throw new Error(
    `The database has migrations that this release does not know (${unknown.join(", ")}): restore into a new one.`,
  );
}

/** Applies and rolls back migrations, which loses nothing in an empty database, until exactly `versions` are applied. */
async function migrateTo(
  migrator: Migrator,
  versions: string[],
  { migrationsDir, schema }: { migrationsDir: string; schema: string | undefined },
): Promise<void> {
  const isAhead = async () =>
    (await appliedVersions(migrator.sql, schema)).some((version) => !versions.includes(version));
  while (await isAhead()) await migrator.rollBack();
  const folder = mkdtempSync(join(tmpdir(), "gemini-coop-restore-"));
  try {
    for (const name of migrationNames(migrationsDir)) {
      if (versions.includes(versionOf(name))) {
        copyFileSync(join(migrationsDir, name), join(folder, name));
      }
    }
    await migrator.apply(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Loads all rows. Its error must roll the transaction back. */
async function load(sql: postgres.TransactionSql, file: string, header: Header): Promise<void> {
  const tables = await readTables(sql);
  const names = tables.map(({ name }) => name);
  if (!Bun.deepEquals(names.toSorted(), Object.keys(header.rows).toSorted())) {
    throw new ArchiveError(
      `The backup has other tables (${Object.keys(header.rows).join(", ")}) than its migrations make (${names.join(", ")}).`,
    );
  }
  await sql.unsafe(`lock table ${names.map(quotedName).join(", ")} in access exclusive mode`);
  // A server could have written rows until now.
  await refuseRows(sql, tables, "a backup");
  for (const { name } of tables) {
    await sql.unsafe(`alter table ${quotedName(name)} disable trigger user`);
  }
  await loadParts(sql, readArchive(file), tables);
  for (const { name } of tables) {
    await sql.unsafe(`alter table ${quotedName(name)} enable trigger user`);
    const counted = await sql.unsafe(`select count(*)::float8 as count from ${quotedName(name)}`);
    const { count } = one(counted, z.object({ count: z.int() }));
    if (count !== header.rows[name]) {
      throw new Error(`${count} of ${header.rows[name]} rows of ${name} were loaded.`);
    }
  }
}

async function loadParts(
  sql: postgres.TransactionSql,
  parts: AsyncIterable<Part>,
  tables: Table[],
): Promise<void> {
  const sequences = await readSequences(sql);
  let loading: Loading | undefined;
  for await (const part of parts) {
    if (part.kind === "rows") {
      if (loading?.table !== part.table) {
        await loading?.end();
        loading = await openLoading(sql, part.table, tables);
      }
      await loading.write(part.lines);
    }
    if (part.kind === "sequence") {
      await loading?.end();
      loading = undefined;
      if (!sequences.includes(part.name)) {
        throw new ArchiveError(`The backup has a sequence ${part.name}, which is not known here.`);
      }
      await sql`select setval(${quotedName(part.name)}::regclass, ${part.lastValue}::bigint, ${part.isCalled})`;
    }
  }
  await loading?.end();
}

interface Loading {
  table: Table;
  write: (lines: Buffer) => Promise<void>;
  end: () => Promise<void>;
}

/** Begins the COPY of a table. Each call throws PostgreSQL's error about the rows of earlier ones. */
async function openLoading(
  sql: postgres.TransactionSql,
  table: Table,
  tables: Table[],
): Promise<Loading> {
  const own = tables.find(({ name }) => name === table.name);
  if (!own || table.columns.some((column) => !own.columns.includes(column))) {
    throw new ArchiveError(`The backup has columns of ${table.name} that are not known here.`);
  }
  const stream: Writable = await sql.unsafe(copyStatement(table)).writable();
  const ended = new Promise<void>((resolve) => {
    stream.once("finish", resolve);
    stream.once("error", () => resolve());
  });
  const settled = async (written: Promise<void>) => {
    await Promise.race([written, ended]);
    const fault = stream.errored;
    if (fault) {
      throw new Error(`PostgreSQL refuses rows of ${table.name}: ${fault.message}`, {
        cause: fault,
      });
    }
  };
  return {
    table,
    write: (lines) => settled(new Promise((resolve) => void stream.write(lines, () => resolve()))),
    end() {
      stream.end();
      return settled(ended);
    },
  };
}
