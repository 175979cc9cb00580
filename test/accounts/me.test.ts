// A person's own settings.
import { beforeAll, expect, test } from "bun:test";
import { rates } from "../../src/rate-limits/limits.ts";
import { expectInvalid, expectProblem } from "../http/refusals.ts";
import { useWorld, type Person } from "../world/world.ts";

const world = useWorld({ env: { RATE_LIMITS: "memory" } });
let ann: Person;
let ben: Person;
beforeAll(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
});

const change = (person: Person, body: unknown) => person.api("PATCH", "/api/auth/me", body);
const me = async (person: Person) => (await person.api("GET", "/api/auth/me")).body;

test("a change of a setting answers with the person, and is the person's own", async () => {
  const before = await me(ann);
  expect(before.read_receipts).toBe(true);
  const { status, body } = await change(ann, { read_receipts: false });
  expect(status).toBe(200);
  expect(body).toEqual({ ...before, read_receipts: false });
  expect(await me(ann)).toEqual(body);
  expect((await me(ben)).read_receipts).toBe(true);
});

test("absent members stay as they are, and members that are no settings change nothing", async () => {
  await change(ann, { read_receipts: false });
  const before = await me(ann);
  for (const body of [{}, { unknown: 1 }, { id: 1, username: "eve", email: "eve@example.com" }]) {
    const answer = await change(ann, body);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(before);
  }
  expect(await me(ann)).toEqual(before);
});

test("two changes at once leave one of the two values", async () => {
  const answers = await Promise.all(
    [true, false, true, false].map((value) => change(ann, { read_receipts: value })),
  );
  expect(answers.map(({ body }) => body.read_receipts)).toEqual([true, false, true, false]);
  expect((await me(ann)).read_receipts).toBeBoolean();
});

test("nobody else is shown the settings", async () => {
  const chat = await ann.chat({ with: [ben] });
  const { body: participants } = await ben.api("GET", `/api/chats/${chat.id}/participants`);
  const { body: found } = await ben.api("GET", `/api/users/search?query=${ann.username}`);
  expect(participants).toHaveLength(2);
  expect(found).not.toBeEmpty();
  expect(JSON.stringify([participants, found])).not.toContain("read_receipts");
});

test("values of another type, and requests without a token, are refused", async () => {
  const before = await me(ann);
  for (const value of [null, 0, 1, "false", "", [], {}]) {
    expectInvalid(await change(ann, { read_receipts: value }), "/read_receipts");
  }
  for (const body of [[], "x", 3]) expectInvalid(await change(ann, body), "");
  expectProblem(await change(ann, undefined), 400, "not_json");
  const answer = await world.call("PATCH", "/api/auth/me", { read_receipts: true });
  expectProblem(answer, 401, "invalid_token");
  expect(await me(ann)).toEqual(before);
});

test("changes of settings have a quota of their own", async () => {
  const eager = await world.person("eager");
  const { person } = rates.settings;
  await world.ctx.rateLimits.take("settings", { userId: eager.id }, person.quota - 1);
  expect((await change(eager, {})).status).toBe(200);
  expectProblem(await change(eager, { read_receipts: false }), 429, "rate_limited");
  expect((await me(eager)).read_receipts).toBe(true);
});
