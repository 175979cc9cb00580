// Statements that postgres.js cannot send, on a connection with others in flight.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { pino } from "pino";
import { parseDatabaseUrl } from "../../src/config/database-address.ts";
import { connect, type Sql } from "../../src/database/connect.ts";
import { borrowDatabase, giveBackDatabase } from "../world/cluster.ts";

let url: string;
let sql: Sql;
beforeAll(async () => {
  url = await borrowDatabase();
  // All statements have the same connection.
  sql = connect(parseDatabaseUrl(url), pino({ level: "silent" }), { max: 1 });
});
afterAll(async () => {
  await sql.end({ timeout: 1 });
  await giveBackDatabase(url);
});

/** TypeScript refuses such a value. Rows and frames that are read wrongly could have one all the same. */
const missing: null = JSON.parse("{}").value;

const unsendable: [name: string, run: (sql: Sql) => Promise<unknown>, error: RegExp][] = [
  ["a value that is undefined", (sql) => sql`select ${missing}::int as n`, /undefined/i],
  [
    "a value that is undefined in a fragment",
    (sql) => sql`select ${1}::int as n where ${sql`${missing}::bool`}`,
    /undefined/i,
  ],
  ["a value whose type cannot hold it", (sql) => sql`select ${new Date(NaN)} as n`, /date/i],
  [
    "more values than a statement may have",
    (sql) =>
      sql.unsafe(
        "select 1 as n",
        Array.from({ length: 65_534 }, () => 1),
      ),
    /parameters/i,
  ],
];

const outcomeOf = (query: Promise<unknown>) =>
  query.then(
    (rows) => rows,
    (error: unknown) => String(error),
  );

describe.each(unsendable)("a statement with %s", (_, run, error) => {
  test("fails alone, and those around it get their own rows", async () => {
    const number = (n: number) => sql`select ${n}::int as n`;
    await number(0);
    for (let round = 0; round < 3; round += 1) {
      const outcomes = await Promise.all(
        [number(1), number(2), run(sql), number(3), run(sql), number(4)].map(outcomeOf),
      );
      expect(outcomes.map((each) => (typeof each === "string" ? "failed" : each))).toEqual([
        [{ n: 1 }],
        [{ n: 2 }],
        "failed",
        [{ n: 3 }],
        "failed",
        [{ n: 4 }],
      ]);
      expect(outcomes[2]).toMatch(error);
    }
  });

  test("fails alone as the first one of its connection, which then serves others", async () => {
    await sql`select 1 as n`;
    const failed = outcomeOf(run(sql));
    const next = sql`select ${5}::int as n`;
    expect(await failed).toMatch(error);
    expect([...(await next)]).toEqual([{ n: 5 }]);
    await sql.begin(async (own) => {
      expect([...(await own`select ${6}::int as n`)]).toEqual([{ n: 6 }]);
    });
  });
});
