// Saves a database that is in use: all tables from one snapshot.
// Rows are read by cursors, since postgres.js hangs after a COPY whose stream was ever slow (its socket stays paused).
import { createWriteStream, existsSync, mkdirSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import postgres from "postgres";
import { z } from "zod";
import {
  copyBegin,
  copyEnd,
  copyValue,
  type Header,
  lastLine,
  preamble,
  sequenceLine,
} from "./archive.ts";
import type { DatabaseAddress } from "../../config/database-address.ts";
import { one } from "../connect.ts";
import { connectionOptions, setLocally } from "../connection-options.ts";
import { appliedVersions } from "../migrations/states.ts";
import { quotedName } from "../names.ts";
import { withPartialFile } from "./partial-file.ts";
import { readSequences, readTables, type Table } from "./tables.ts";

/** The wait for a table that a migration has locked. */
const lockWaitMs = 60_000;
/** With the longest messages, one batch is about 10 MB. */
const rowsAtOnce = 200;

/**
 * Saves all rows as they are when it begins, without blocking the database's users. The file appears whole or not at all, and
 * only its owner can read it, since it has password hashes.
 * @param file missing folders are made
 * @param version the release that makes it
 * @throws Error with a sentence for the user: the file exists, the database was never migrated, or cannot be read
 */
export async function backUp(
  address: DatabaseAddress,
  file: string,
  version: string,
): Promise<Header> {
  if (existsSync(file)) throw new Error(`${file} exists already: choose another name.`);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const sql = postgres({
    ...connectionOptions(address, "backup"),
    max: 1,
    max_lifetime: null,
    onnotice: () => {},
  });
  try {
    return await withPartialFile(file, async (partial) => {
      const header = await save(sql, address, partial, version);
      await rename(partial, file);
      return header;
    });
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** Any PostgreSQL can read values in these formats, whatever the database is set to. */
const formats = {
  DateStyle: "ISO",
  IntervalStyle: "postgres",
  TimeZone: "UTC",
  bytea_output: "hex",
  extra_float_digits: "1",
};

/** Its transaction needs a pool that nothing else uses. */
async function save(
  sql: postgres.Sql,
  address: DatabaseAddress,
  partial: string,
  version: string,
): Promise<Header> {
  const found = await sql.begin(async (transaction) => {
    await setLocally(transaction, address, {});
    return { tables: await readTables(transaction) };
  });
  if (found.tables.length === 0) {
    throw new Error("The database has no tables: there is nothing to save.");
  }
  let header: Header | undefined;
  await sql.begin("isolation level repeatable read read only", async (transaction) => {
    const limits = { lock_timeout: `${lockWaitMs}ms`, statement_timeout: "0" };
    await setLocally(transaction, address, { ...limits, ...formats });
    // No table changes its columns from here on. The snapshot is taken later, by the first select.
    const names = found.tables.map(({ name }) => quotedName(name)).join(", ");
    await transaction.unsafe(`lock table ${names} in access share mode`);
    const tables = await readTables(transaction);
    if (!Bun.deepEquals(tables, found.tables)) {
      throw new Error("The database was migrated just now: take the backup again.");
    }
    header = await readHeader(transaction, tables, version);
    const text = Readable.from(archiveOf(transaction, header, tables), { objectMode: false });
    await pipeline(text, createGzip(), createWriteStream(partial, { flags: "wx", mode: 0o600 }));
  });
  if (!header) throw new Error("The backup was not made.");
  const handle = await open(partial, "r+");
  await handle.sync().finally(() => handle.close());
  return header;
}

async function readHeader(sql: postgres.ISql, tables: Table[], version: string): Promise<Header> {
  const migrations = await appliedVersions(sql);
  const rows: Header["rows"] = {};
  for (const { name } of tables) {
    const counted = await sql.unsafe(`select count(*)::float8 as count from ${quotedName(name)}`);
    rows[name] = one(counted, z.object({ count: z.int() })).count;
  }
  return { version, made_at: new Date().toISOString(), migrations, rows };
}

async function* archiveOf(
  sql: postgres.ISql,
  header: Header,
  tables: Table[],
): AsyncGenerator<Buffer> {
  const hash = new Bun.CryptoHasher("sha256");
  const hashed = (text: string) => {
    const bytes = Buffer.from(text);
    hash.update(bytes);
    return bytes;
  };
  yield hashed(preamble(header));
  for (const table of tables) {
    yield hashed(copyBegin(table));
    for await (const lines of rowsOf(sql, table)) yield hashed(lines);
    yield hashed(copyEnd(table));
  }
  for (const name of await readSequences(sql)) {
    yield hashed(await sequenceOf(sql, name));
  }
  yield hashed("commit;\n");
  yield Buffer.from(lastLine(hash.digest("hex")));
}

async function* rowsOf(sql: postgres.ISql, { name, columns }: Table): AsyncGenerator<string> {
  const rows = sql.unsafe(`select ${columns.map(quotedName).join(", ")} from ${quotedName(name)}`);
  for await (const some of rows.raw().cursor(rowsAtOnce)) {
    yield some.map((row) => `${row.map(copyValue).join("\t")}\n`).join("");
  }
}

/** Sequences are outside of snapshots: the value is at least that of the saved rows. */
async function sequenceOf(sql: postgres.ISql, name: string): Promise<string> {
  const rows = await sql.unsafe(`select last_value::text, is_called from ${quotedName(name)}`);
  const Row = z.object({ last_value: z.string(), is_called: z.boolean() });
  const { last_value: lastValue, is_called: isCalled } = one(rows, Row);
  return sequenceLine(name, lastValue, isCalled);
}
