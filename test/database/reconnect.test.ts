import { afterAll, beforeAll, describe, expect } from "bun:test";
import { createConnection, createServer, type Socket } from "node:net";
import { pino } from "pino";
import { z } from "zod";
import { parseDatabaseUrl } from "../../src/config/database-address.ts";
import { connect, databaseError, isDatabaseAway, type Sql } from "../../src/database/connect.ts";
import { borrowDatabase, giveBackDatabase } from "../world/cluster.ts";
import { longTest, test } from "../world/long.ts";

const log = pino({ level: "silent" });

let url: string;
/** A connection that ends those of the pool. */
let admin: Sql;
beforeAll(async () => {
  url = await borrowDatabase();
  admin = connect(parseDatabaseUrl(url), log, { max: 2 });
  await admin`create table locked (id bigint)`;
});
afterAll(async () => {
  await admin.end({ timeout: 1 });
  await giveBackDatabase(url);
});

async function pidOf(sql: Sql): Promise<number> {
  const [row] = await sql`select pg_backend_pid() as pid`;
  return Number(row?.pid);
}

/** Settles when a backend waits for a lock. */
async function untilItWaits(pid: number): Promise<void> {
  for (;;) {
    const rows = await admin`
      select from pg_stat_activity where pid = ${pid}::int and wait_event_type = 'Lock'
    `;
    if (rows.length > 0) return;
  }
}

describe("a connection whose backend was ended", () => {
  test("while it made out what a statement means serves the next statement", async () => {
    const sql = connect(parseDatabaseUrl(url), log, { max: 1 });
    const pid = await pidOf(sql);
    const holder = await admin.reserve();
    await holder`begin`;
    await holder`lock table locked in access exclusive mode`;

    const asked = sql`select id from locked where id = ${1}`.catch(databaseError);
    await untilItWaits(pid);
    await admin`select pg_terminate_backend(${pid}::int)`;
    expect(await asked).toHaveProperty("code");
    await holder`rollback`;
    holder.release();

    expect(await pidOf(sql)).not.toBe(pid);
    await sql.end({ timeout: 1 });
  });

  test("in the middle of a statement fails that statement and no other", async () => {
    const sql = connect(parseDatabaseUrl(url), log, { max: 1 });
    const pid = await pidOf(sql);
    const asked = sql`select pg_sleep(60)`.catch(databaseError);
    await admin`
      select pg_terminate_backend(${pid}::int, 5000) from pg_stat_activity where pid = ${pid}::int
    `;
    expect(await asked).toHaveProperty("code");
    expect(await pidOf(sql)).not.toBe(pid);
    await sql.end({ timeout: 1 });
  });

  longTest("just when the next statement was to be written is used again at once", async () => {
    const sql = connect(parseDatabaseUrl(url), log, { max: 2 });
    const codes = new Set<string>();
    let ending = false;
    const asking = Array.from({ length: 6 }, async () => {
      while (!ending) {
        await sql`select ${1}::int`.catch((error: unknown) =>
          codes.add(databaseError(error)?.code ?? "none"),
        );
      }
    });
    for (let kill = 0; kill < 40; kill += 1) {
      const pid = await pidOf(sql).catch(() => 0);
      await admin`
        select pg_terminate_backend(pid) from pg_stat_activity where pid = ${pid}::int
      `;
    }
    ending = true;
    await Promise.all(asking);
    expect(codes).toContain("CONNECTION_CLOSED");
    expect(codes).not.toContain("CONNECT_TIMEOUT");
    await sql.end({ timeout: 1 });
  });

  test("while it was opened fails the statement that waits for it, and the process lives on", async () => {
    // The driver asks this before anything else.
    const cutter = startCutter((bytes) => bytes.includes("pg_catalog.pg_type"));
    const sql = connect(parseDatabaseUrl(cutter.url), log, { max: 1 });
    expect(await sql`select 1 as one`.catch(databaseError)).toHaveProperty("code");
    cutter.rest();
    expect(await sql`select 1 as one`).toHaveLength(1);
    await sql.end({ timeout: 1 });
    cutter.stop();
  });
});

test("an address that takes connections and closes them at once counts as a database that is away", async () => {
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { open: (socket) => void socket.end(), data: () => undefined },
  });
  const sql = connect(parseDatabaseUrl(`postgres://nobody@127.0.0.1:${listener.port}/none`), log, {
    max: 1,
  });
  const error: unknown = await sql`select 1`.catch((error: unknown) => error);
  expect(isDatabaseAway(error)).toBe(true);
  await sql.end({ timeout: 1 });
  listener.stop(true);
});

/** Stands before the database, and resets every connection over which something is asked, until it rests. */
function startCutter(isCut: (bytes: Buffer) => boolean) {
  let rests = false;
  const links = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = createConnection(Number(new URL(url).port), "127.0.0.1");
    for (const socket of [client, upstream]) {
      links.add(socket);
      socket.on("error", () => undefined);
    }
    client.on("data", (bytes: Buffer) => {
      if (!rests && isCut(bytes)) client.resetAndDestroy();
      else upstream.write(bytes);
    });
    client.on("close", () => upstream.destroy());
    upstream.pipe(client);
  }).listen(0, "127.0.0.1");
  const address = new URL(url);
  address.port = String(z.object({ port: z.int() }).parse(server.address()).port);
  return {
    url: address.href,
    rest: () => void (rests = true),
    stop() {
      for (const link of links) link.destroy();
      server.close();
    },
  };
}
