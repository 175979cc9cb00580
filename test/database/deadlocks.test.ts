// Statements that a deadlock has ended. A function of the test ends them as PostgreSQL does, as often as it is told to.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { databaseError } from "../../src/database/connect.ts";
import { isDeadlocked } from "../../src/database/deadlocks.ts";
import { useWorld } from "../world/world.ts";

// This hook stands above the world, so that it runs before the world stops.
afterAll(async () => {
  await world.sql`drop function deadlocked`;
  await world.sql`drop sequence deadlock_tries`;
});
const world = useWorld();
beforeAll(async () => {
  await world.sql`create sequence deadlock_tries`;
  await world.sql`
    create function deadlocked(times int) returns int language plpgsql as $$
    declare tried int := nextval('deadlock_tries');
    begin
      if tried <= times then raise exception 'deadlock detected' using errcode = 'deadlock_detected'; end if;
      return tried;
    end $$
  `;
});

/** The number of the try that succeeded. */
async function succeeded(times: number): Promise<unknown> {
  await world.sql`alter sequence deadlock_tries restart`;
  const { sql } = world.ctx;
  const call = sql`deadlocked(${times})`;
  const [row] = await sql`select ${call} as tried`;
  return row?.tried;
}

test("a statement that a deadlock has ended runs again, at most three times", async () => {
  expect(await succeeded(0)).toBe(1);
  expect(await succeeded(1)).toBe(2);
  expect(await succeeded(3)).toBe(4);
  const refused: unknown = await succeeded(4).catch((error: unknown) => error);
  expect(isDeadlocked(refused)).toBe(true);
  expect((await world.sql`select nextval('deadlock_tries')::int as tried`)[0]?.tried).toBe(5);
});

test("other failures are told at once", async () => {
  const failing = () => world.ctx.sql`select 1 / ${0}::int, nextval('deadlock_tries')`;
  await world.sql`alter sequence deadlock_tries restart`;
  expect(await failing().catch(databaseError)).toEqual({ code: "22012" });
  expect((await world.sql`select nextval('deadlock_tries')::int as tried`)[0]?.tried).toBe(1);
});

test("a statement that is awaited twice runs once", async () => {
  await world.sql`alter sequence deadlock_tries restart`;
  const { sql } = world.ctx;
  const query = sql`select nextval('deadlock_tries')::int as tried`;
  expect([...(await query), ...(await query)]).toEqual([{ tried: 1 }, { tried: 1 }]);
});

test("a message whose statement a deadlock has ended is stored once, and its sender notices nothing", async () => {
  const ann = await world.person();
  const chat = await ann.chat();
  await world.sql`alter sequence deadlock_tries restart`;
  await world.sql`
    create function deadlock_of_message() returns trigger language plpgsql as $$
    begin perform deadlocked(2); return null; end $$
  `;
  await world.sql`create trigger deadlock after insert on messages execute function deadlock_of_message()`;
  try {
    const sent = await ann.api("POST", `/api/chats/${chat.id}/messages`, { content: "hello" });
    expect(sent).toMatchObject({ status: 200, body: { seq: 1 } });
    const { body } = await ann.api("GET", `/api/chats/${chat.id}/messages`);
    expect(body).toHaveLength(1);
  } finally {
    await world.sql`drop trigger deadlock on messages`;
    await world.sql`drop function deadlock_of_message`;
  }
});
