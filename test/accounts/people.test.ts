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

test("a display name is found by the beginning of each word, without regard to case and accents", async () => {
  const named = async (name: string) => {
    const person = await world.person("named");
    await person.api("PATCH", "/api/auth/me", { display_name: name });
    return person.username;
  };
  const soren = await named("Søren Ångström-Łukasz");
  const tanaka = await named("田中 太郎");
  const min = await named("김민수");
  const obrien = await named("Zoë O\u2019Brien");
  const devi = await named("देवी किरण");
  const muhammad = await named("مُحَمَّد");
  const fox = await named("🦊🦊");
  for (const [query, username] of [
    ["soren", soren],
    ["SØREN ång", soren],
    ["angstrom luk", soren],
    ["lukasz", soren],
    ["田中", tanaka],
    ["太郎", tanaka],
    ["中太", undefined],
    ["김민", min],
    ["민수", min],
    ["zoe", obrien],
    ["ZOË o'b", obrien],
    ["obrien", obrien],
    ["किर", devi],
    ["कर", undefined],
    ["محمد", muhammad],
    ["🦊🦊", fox],
    ["oren", undefined],
    ["e\u0301", undefined],
    ["\u0301\u0301", undefined],
    ["''", undefined],
  ] as const) {
    const expected = username === undefined ? [] : [username];
    expect([query, await found(query)]).toEqual([query, expected]);
  }
});

test("people whose username begins with the text come before those of whose display name a word does", async () => {
  const first = await world.person("wilma");
  const [second, third] = [await world.person("aa"), await world.person("awilma")];
  await second.api("PATCH", "/api/auth/me", { display_name: "Wilma Wilma Wilma" });
  await first.api("PATCH", "/api/auth/me", { display_name: "Wilma" });
  const names = [first, second, third].map(({ username }) => username);
  expect(await found("wilma")).toEqual(names);
  expect(await found("wílma")).toEqual(names);
  expect(await found("wilma", "&limit=2")).toEqual(names.slice(0, 2));
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
