// The commands `bun run db:…`. They use DATABASE_URL, or the embedded database, whether a server runs it or not.
import { existsSync } from "node:fs";
import { join } from "node:path";
import pino from "pino";
import { type Config, ConfigError, readConfig } from "../src/config/config.ts";
import type { DatabaseAddress } from "../src/config/database-address.ts";
import type { Header } from "../src/database/backup/archive.ts";
import { backUp } from "../src/database/backup/backup.ts";
import {
  migrate,
  migrationStates,
  newMigration,
  rollBack,
} from "../src/database/migrations/migrate.ts";
import { countFiles } from "../src/attachments/count-files.ts";
import { openPool } from "../src/database/pooler.ts";
import { restore } from "../src/database/backup/restore.ts";
import { archiveFolder, extractFolder } from "../src/file-store/folder-archive.ts";
import { Passwords } from "../src/accounts/passwords.ts";
import { importFastapi } from "../src/database/import-fastapi/import.ts";
import type { Counts } from "../src/database/import-fastapi/report.ts";
import { listForOperators, resolveForOperators } from "./reports.ts";
import { rebuildIndex } from "../src/search/rebuild.ts";
import { withDatabase } from "./database.ts";

const usage = `Usage:
  bun run db:new <name>       make an empty migration in db/migrations; name_like_this
  bun run db:up               apply the pending migrations
  bun run db:down             roll back the migration that was applied last
  bun run db:status           list the migrations and whether they have been applied
  bun run db:backup [file]    save all data, also while a server runs; by default in DATA_DIR/backups
  bun run db:restore <file>   load a backup into an empty database that no server uses
  bun run db:reindex          index all messages again for the searches, also while a server runs
  bun run db:reports [resolve <id>]
                              list the reports of messages that nobody in their chat can resolve, or resolve one of them
  bun run db:import-fastapi <postgres://… or file of SQLite> [--dry-run]
                              take over the database of a FastAPI server into an empty one that no server uses;
                              list each row that is left out or changed; --dry-run: without writing anything`;

const helpOptions = ["--help", "-h"];

/** Warnings go to stderr, so that stdout has only the result. */
const log = pino({ level: "warn" }, pino.destination(2));

type Run = (address: DatabaseAddress, config: Config, args: string[]) => Promise<string>;

interface Command {
  argsMin: number;
  argsMax: number;
  /** The arguments that may begin with a hyphen. */
  options?: readonly string[];
  run: Run;
}

const commands = new Map<string, Command>([
  ["up", { argsMin: 0, argsMax: 0, run: up }],
  ["down", { argsMin: 0, argsMax: 0, run: down }],
  ["status", { argsMin: 0, argsMax: 0, run: status }],
  ["backup", { argsMin: 0, argsMax: 1, run: backup }],
  ["restore", { argsMin: 1, argsMax: 1, run: restoreFrom }],
  ["reindex", { argsMin: 0, argsMax: 0, run: reindex }],
  ["reports", { argsMin: 0, argsMax: 2, run: reports }],
  ["import-fastapi", { argsMin: 1, argsMax: 2, options: ["--dry-run"], run: importFrom }],
]);

/** Runs a command and prints its result. @returns the exit code: 0, 1 when it failed, 2 when there is no such command */
export async function runDatabaseCommand([name = "", ...args]: string[]): Promise<number> {
  if (name === "help" || [name, ...args].some((arg) => helpOptions.includes(arg))) {
    console.log(usage);
    return 0;
  }
  try {
    if (name === "new" && args[0] !== undefined && args.length === 1) {
      console.log(await newMigration(args[0]));
      return 0;
    }
    const command = commands.get(name);
    if (!command || args.length < command.argsMin || args.length > command.argsMax) {
      console.error(usage);
      return 2;
    }
    // Otherwise a misspelt option would be the name of a file.
    const { options = [] } = command;
    const unknown = args.find((arg) => arg.startsWith("-") && !options.includes(arg));
    if (unknown !== undefined) {
      console.error(
        `db:${name} has no option ${unknown}; a file of that name is ./${unknown}.\n\n${usage}`,
      );
      return 2;
    }
    const config = readConfig();
    console.log(await withDatabase(config, log, (address) => command.run(address, config, args)));
    return 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    console.error(error instanceof ConfigError ? error.message : `Failed: ${error.message}`);
    return 1;
  }
}

async function up(address: DatabaseAddress) {
  const applied = await migrate(address, { log });
  return applied.length > 0
    ? applied.map((name) => `applied ${name}`).join("\n")
    : "Nothing to apply.";
}

async function down(address: DatabaseAddress) {
  return `rolled back ${await rollBack(address, { log })}`;
}

async function status(address: DatabaseAddress) {
  const states = await migrationStates(address, { log });
  const lines = states.map(({ name, applied, dataLoss }) =>
    applied
      ? `applied  ${name}`
      : `pending  ${name}${dataLoss === undefined ? "" : `  destroys data: ${dataLoss}`}`,
  );
  const isLossAhead = states.some(({ applied, dataLoss }) => !applied && dataLoss !== undefined);
  if (isLossAhead) lines.push("Take a backup before `bun run db:up`: bun run db:backup");
  return lines.join("\n");
}

async function backup(address: DatabaseAddress, config: Config, [file]: string[]) {
  const { dataDir, version } = config;
  const time = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  const path = file ?? join(dataDir, "backups", `gemini-coop-${time}Z.sql.gz`);
  const archive = filesBeside(path);
  // Otherwise a restore would take it for the files of this backup.
  if (existsSync(archive)) {
    throw new Error(
      `${archive}, the files of another backup, exists already: choose another name.`,
    );
  }
  const header = await backUp(address, path, version);
  const files = await backUpFiles(config, path).catch((error: unknown) => {
    const detail = error instanceof Error ? error.message : String(error);
    throw new Error(
      `The database is saved to ${path}, and its files are not: ${detail} Copy ${config.files.folder} yourself, or try again under another name.`,
      { cause: error },
    );
  });
  return `saved ${summaryOf(header)}\nto ${path}\n${files}`;
}

async function restoreFrom(address: DatabaseAddress, config: Config, [file = ""]: string[]) {
  const header = await restore(address, file, { log });
  const files = await restoreFiles(config, file, await countFilesOf(address));
  return `restored ${summaryOf(header)}\nas they were at ${header.made_at}${files}`;
}

/** The archive of files that belongs to a backup. */
const filesBeside = (backupPath: string) => `${backupPath.replace(/\.sql\.gz$/, "")}.files.tar`;

/** Files are archived after the rows, so that each row that was saved has its file. */
async function backUpFiles(config: Config, backupPath: string): Promise<string> {
  if (config.files.s3) {
    return `Files are not in it: they are in the bucket ${config.files.s3.bucket}. Copy the bucket, too.`;
  }
  const path = filesBeside(backupPath);
  const count = await archiveFolder(config.files.folder, path);
  return `saved ${count} files\nto ${path}`;
}

async function countFilesOf(address: DatabaseAddress): Promise<number> {
  const sql = await openPool(address, pino({ level: "silent" }));
  try {
    return await countFiles(sql);
  } finally {
    await sql.end({ timeout: 2 });
  }
}

/** @param expected files that rows of the restored database name */
async function restoreFiles(config: Config, backupPath: string, expected: number): Promise<string> {
  const path = filesBeside(backupPath);
  if (config.files.s3) {
    return expected === 0
      ? ""
      : `\nFiles are not in it: the bucket ${config.files.s3.bucket} needs ${expected} of them.`;
  }
  if (!existsSync(path)) {
    return expected === 0
      ? ""
      : `\n${path} is not there: ${expected} files are missing in ${config.files.folder}.`;
  }
  const count = await extractFolder(path, config.files.folder).catch((error: unknown) => {
    const detail = error instanceof Error ? error.message : String(error);
    throw new Error(
      `The database is restored, and its files are not: ${detail} Extract an archive of them into ${config.files.folder}.`,
      { cause: error },
    );
  });
  return `\nand ${count} files`;
}

async function reindex(address: DatabaseAddress) {
  const sql = await openPool(address, log);
  try {
    const { chats, messages } = await rebuildIndex(sql, (counts) =>
      console.error(`${counts.messages} messages of ${counts.chats} chats so far`),
    );
    return `indexed ${messages} messages of ${chats} chats`;
  } finally {
    await sql.end({ timeout: 2 });
  }
}

async function reports(address: DatabaseAddress, _: Config, [verb, id, ...more]: string[]) {
  const isList = verb === undefined;
  const isNumber = id !== undefined && /^[1-9][0-9]{0,14}$/.test(id);
  if (!isList && (verb !== "resolve" || !isNumber || more.length > 0)) {
    throw new Error(
      "Use `bun run db:reports`, or `bun run db:reports resolve` with a report's number.",
    );
  }
  const sql = await openPool(address, log);
  try {
    return isList ? await listForOperators(sql) : await resolveForOperators(sql, Number(id));
  } finally {
    await sql.end({ timeout: 2 });
  }
}

async function importFrom(address: DatabaseAddress, _: Config, args: string[]) {
  const dryRun = args.includes("--dry-run");
  const [from, ...more] = args.filter((arg) => arg !== "--dry-run");
  if (from === undefined || more.length > 0) throw new Error("Name one database to import from.");
  const counts = await importFastapi(address, from, {
    log,
    dryRun,
    unusableHash: await new Passwords(log).hash(crypto.randomUUID()),
    list: (line) => console.log(line),
    progress: (text) => console.error(text),
  });
  const rows = (count: keyof Counts) =>
    Object.values(counts).reduce((sum, table) => sum + table[count], 0);
  const { users, chats, messages } = counts;
  return (
    `${dryRun ? "dry run, nothing was written: it would have imported" : "imported"} ` +
    `${users.taken} users, ${chats.taken} chats, ${messages.taken} messages\n` +
    `rows left out: ${rows("leftOut")}; taken with a change: ${rows("changed")}`
  );
}

function summaryOf({ rows }: Header): string {
  const { users = 0, chats = 0, messages = 0 } = rows;
  return `${users} users, ${chats} chats, ${messages} messages`;
}

if (import.meta.main) process.exitCode = await runDatabaseCommand(process.argv.slice(2));
