import { expect, test } from "bun:test";
import { pino } from "pino";
import { z } from "zod";
import { parseDatabaseUrl } from "../../src/config/database-address.ts";
import { checkDurability, connect } from "../../src/database/connect.ts";
import { CapturedLog } from "../world/captured.ts";
import { borrowDatabase, giveBackDatabase } from "../world/cluster.ts";

async function withDatabase(work: (url: string) => Promise<void>) {
  const url = await borrowDatabase();
  try {
    await work(url);
  } finally {
    await giveBackDatabase(url);
  }
}

test("a database that loses nothing in a crash is started on without a word", () =>
  withDatabase(async (url) => {
    const captured = new CapturedLog();
    const sql = connect(parseDatabaseUrl(url), pino({ level: "warn" }, captured));
    expect(await checkDurability(sql, pino({ level: "warn" }, captured))).toEqual([]);
    expect(captured.lines).toEqual([]);
    await sql.end();
  }));

test("a database that may lose what was acknowledged is named loudly, setting by setting", () =>
  withDatabase(async (url) => {
    const captured = new CapturedLog();
    const sql = connect(parseDatabaseUrl(url), pino({ level: "warn" }, captured), { max: 1 });
    await sql`set synchronous_commit = off`;
    expect(await checkDurability(sql, pino({ level: "warn" }, captured))).toEqual([
      "synchronous_commit",
    ]);
    expect(captured.lines).toMatchObject([{ level: 50, settings: ["synchronous_commit"] }]);
    await sql.end();
  }));

test("the server's own connections commit synchronously, whatever the database's default is", () =>
  withDatabase(async (url) => {
    const log = pino({ level: "silent" });
    const admin = connect(parseDatabaseUrl(url), log, { max: 1 });
    await admin.unsafe(
      `alter database ${new URL(url).pathname.slice(1)} set synchronous_commit = off`,
    );
    await admin.end();
    const sql = connect(parseDatabaseUrl(url), log);
    const [row] = await sql`show synchronous_commit`;
    expect(z.object({ synchronous_commit: z.string() }).parse(row).synchronous_commit).toBe("on");
    await sql.end();
  }));
