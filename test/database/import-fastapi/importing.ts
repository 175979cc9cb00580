// Imports rows of a FastAPI server, each test into a database of its own.
import { afterAll, afterEach, beforeEach, expect, setDefaultTimeout } from "bun:test";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { parseDatabaseUrl } from "../../../src/config/database-address.ts";
import { importFastapi } from "../../../src/database/import-fastapi/import.ts";
import { borrowDatabase, giveBackDatabase } from "../../world/cluster.ts";
import { fastapiDatabase, type Tables } from "../../world/fastapi-database.ts";
import { everything, using } from "../../world/rows.ts";

const log = pino({ level: "silent" });

export const hash = "$2b$12$M6WxL7KVgG9AsS60XjxT.ufponcxDTo8NT9mj5F7CQ12bY/xBK6fm";
export const at = "2024-01-02 10:00:00";
export const user = (id: number, username: string, more: Tables[string][number] = {}) => ({
  id,
  username,
  email: `user${id}@example.com`,
  hashed_password: hash,
  created_at: at,
  ...more,
});

/** Ann and Ben in the group 1. */
export const base = {
  users: [user(1, "ann"), user(2, "Ben")],
  chats: [{ id: 1, name: "Physics", is_group: true, created_by: 1, created_at: at }],
  chat_participants: [
    { chat_id: 1, user_id: 1, joined_at: at },
    { chat_id: 1, user_id: 2, joined_at: at },
  ],
  messages: [{ id: 1, chat_id: 1, user_id: 1, content: "hello", is_bot: false, created_at: at }],
} satisfies Tables;

/** The base with more rows. */
function withMore(more: Tables): Tables {
  const tables: Tables = { ...base };
  for (const [table, rows] of Object.entries(more)) {
    tables[table] = [...(tables[table] ?? []), ...rows];
  }
  return tables;
}

/** A database for each test of a file, and a folder for SQLite. */
export function useImports() {
  setDefaultTimeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), "gemini-coop import "));
  chmodSync(folder, 0o755);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let target: string;
  beforeEach(async () => void (target = await borrowDatabase()));
  afterEach(() => giveBackDatabase(target));

  /** Imports a database. @returns the lines about rows that were left out or changed */
  async function run(from: string, { dryRun = false } = {}): Promise<string[]> {
    const lines: string[] = [];
    await importFastapi(parseDatabaseUrl(target), from, {
      log,
      dryRun,
      unusableHash: "unusable",
      list: (line) => void lines.push(line),
      progress: () => {},
    });
    return lines;
  }

  return {
    folder,
    run,
    /** Imports the base with more rows, and sees that a dry run says the same and writes nothing. */
    async imported(more: Tables): Promise<string[]> {
      const from = await fastapiDatabase("sqlite", folder, withMore(more));
      const before = await everything(target);
      const lines = await run(from, { dryRun: true });
      expect(await everything(target)).toEqual(before);
      expect(await run(from)).toEqual(lines);
      return lines;
    },
    /** The rows of a query of the database into which was imported. */
    rowsOf: (query: string) =>
      using(target, async (sql) => (await sql.unsafe(query).values()).map((row) => [...row])),
  };
}
