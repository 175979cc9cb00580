import { beforeAll, expect, test } from "bun:test";
import { rates } from "../../src/rate-limits/limits.ts";
import { expectInvalid, expectProblem } from "../http/refusals.ts";
import { useWorld, type Person } from "../world/world.ts";

const world = useWorld({ env: { RATE_LIMITS: "memory" } });
let me: Person;
beforeAll(async () => {
  me = await world.person("searcher");
  await world.sql`
    insert into users (username, email, hashed_password)
    select name, 'mail' || n || '@secret.example', 'x'
    from unnest(array[
      'John_Doe', 'john-doe', 'jane.doe', 'Doe', 'doexpert', 'undoer', 'adobe', 'dodo', 'ann%', 'annie'
    ]) with ordinality as t (name, n)
    where name ~ '^[A-Za-z0-9_.-]+$'
  `;
});

const search = (query: string, more = "") =>
  me.api("GET", `/api/users/search?query=${encodeURIComponent(query)}${more}`);

async function found(query: string, more = ""): Promise<string[]> {
  const { status, body } = await search(query, more);
  expect(status).toBe(200);
  return body.map((user: { username: string }) => user.username);
}

test("a person is found by any part of the name, without regard to case, with names that begin with it first", async () => {
  expect(await found("doe")).toEqual([
    "Doe",
    "doexpert",
    "jane.doe",
    "john-doe",
    "John_Doe",
    "undoer",
  ]);
  expect(await found("DOE")).toEqual(await found("doe"));
  expect(await found("hn_d")).toEqual(["John_Doe"]);
  expect(await found("do", "&limit=3")).toEqual(["dodo", "Doe", "doexpert"]);
  expect(await found("nobody-at-all")).toEqual([]);
});

test("a result has no email, and emails are not searched", async () => {
  const { body } = await search("undoer");
  expect(body).toEqual([
    {
      id: expect.any(Number),
      username: "undoer",
      display_name: null,
      bio: null,
      avatar_url: null,
      created_at: expect.any(String),
      is_bot_account: false,
    },
  ]);
  for (const part of ["secret.example", "mail1", "mail1@secret.example", "@secret"]) {
    expect(await found(part)).toEqual([]);
  }
});

test("the caller is not found", async () => {
  expect(await found("searcher")).toEqual([]);
});

test("every character is literal, and a text that no name can have finds nobody", async () => {
  for (const text of ["%%", "__", "d_e", "jo%", "\\\\", "do\\", "'; --", "ДО", "do e", "**"]) {
    expect([text, await found(text)]).toEqual([text, []]);
  }
  expect(await found("n_D")).toEqual(["John_Doe"]);
  expect(await found("e.d")).toEqual(["jane.doe"]);
});

test("fewer than two characters find nobody, and ten people are returned unless a limit is given", async () => {
  for (const text of ["", "d", " d "]) expect(await found(text)).toEqual([]);
  for (let n = 0; n < 12; n += 1) await world.person("crowd");
  expect((await found("crowd")).length).toBe(10);
  expect((await found("rowd")).length).toBe(10);
  expect((await found("crowd", "&limit=50")).length).toBe(12);
});

test("bad input and strangers are refused", async () => {
  expect((await me.api("GET", "/api/users/search")).body).toEqual([]);
  for (const limit of ["0", "51", "x", "-1"]) {
    expectInvalid(await search("doe", `&limit=${limit}`), "/limit");
  }
  expectInvalid(await search("x".repeat(257)), "/query");
  expectProblem(await world.call("GET", "/api/users/search?query=doe"), 401, "invalid_token");
});

test("searches have a quota of their own", async () => {
  const eager = await world.person("eager");
  const { person } = rates.userSearches;
  await world.ctx.rateLimits.take("userSearches", { userId: eager.id }, person.quota - 1);
  expect((await eager.api("GET", "/api/users/search?query=doe")).status).toBe(200);
  const refused = await eager.api("GET", "/api/users/search?query=doe");
  expectProblem(refused, 429, "rate_limited");
  expect((await eager.api("GET", "/api/auth/me")).status).toBe(200);
});
