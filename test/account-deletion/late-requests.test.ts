// Requests of a person whose account another server has deleted a moment ago, while this one still takes the session for live.
import { expect, test } from "bun:test";
import { expectProblem } from "../http/refusals.ts";
import type { Person } from "../world/world.ts";
import { useLeavers } from "./use-leavers.ts";

const { world, leaver, deleteMe, untilFinished } = useLeavers();

/** Somebody who was deleted, and whose session this server has found live a moment ago. */
async function gone(): Promise<Person> {
  const person = await leaver();
  expect((await deleteMe(person)).status).toBe(200);
  await untilFinished();
  world.ctx.sessionCache.rememberLive(person.sessionId, Date.now());
  return person;
}

test("a change of the profile gives a deleted account no name, no bio and no settings", async () => {
  const ann = await gone();
  const change = { display_name: "Ann Again", bio: "Not gone", presence: "visible" };
  const answer = await ann.api("PATCH", "/api/auth/me", { ...change, read_receipts: true });
  expectProblem(answer, 401, "invalid_token");
  const [row] = await world.sql`
    select display_name, display_name_parts, bio, presence, read_receipts from users where id = ${ann.id}
  `;
  expect(row).toEqual({
    display_name: null,
    display_name_parts: [],
    bio: null,
    presence: "invisible",
    read_receipts: false,
  });
  const ben = await world.person("ben");
  const found = await ben.api("GET", "/api/users/search?query=again");
  expect(found.body).toEqual([]);
});

test("a change of the profile that waits for the deletion gives the account no name either", async () => {
  const ann = await leaver();
  let change: ReturnType<Person["api"]> | undefined;
  await world.sql.begin(async (sql) => {
    await sql`select id from users where id = ${ann.id} for update`;
    change = ann.api("PATCH", "/api/auth/me", { display_name: "Ann Again" });
    await world.untilBlocked();
    await sql`
      update users set deleted_at = now(), username = 'Deleted user', email = '', display_name = null where id = ${ann.id}
    `;
  });
  const answer = await change;
  expect(answer?.status).toBe(401);
  const [row] = await world.sql`select display_name from users where id = ${ann.id}`;
  expect(row).toEqual({ display_name: null });
});

test("a block by a deleted account leaves no row", async () => {
  const [ann, ben] = [await gone(), await world.person("ben")];
  expectProblem(await ann.api("PUT", `/api/users/${ben.id}/block`), 401, "invalid_token");
  expect(await world.sql`select 1 from user_blocks where blocker_id = ${ann.id}`).toHaveLength(0);
});

test.each([
  ["a bot", "/api/bots", { username: "late_bot" }],
  ["an access key", "/api/auth/keys", { name: "late", scopes: ["messages:write"] }],
  ["an authenticator app", "/api/auth/totp", undefined],
])(
  "%s for a deleted account is refused as what a session that has ended asks",
  async (_, path, body) => {
    const ann = await gone();
    expectProblem(await ann.api("POST", path, body), 401, "invalid_token");
  },
);
