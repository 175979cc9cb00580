import { beforeAll, describe, expect, test } from "bun:test";
import { User } from "../../src/wire/users.ts";
import { useWorld } from "../world/world.ts";
import { expectInvalid, expectProblem, time } from "../http/refusals.ts";

const world = useWorld();

const password = "correct horse battery";
const register = (body: unknown) => world.call("POST", "/api/auth/register", body);
const login = (body: unknown) => world.call("POST", "/api/auth/login", body);

async function countUsers(): Promise<number> {
  const [row] = await world.sql`select count(*)::int as count from users`;
  return row?.count;
}

describe("registering", () => {
  test("makes a person and answers 200 with exactly a User", async () => {
    const { status, body } = await register({
      username: "john_doe",
      email: "John@Example.com",
      password,
    });
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual(Object.keys(User.shape));
    expect(body).toEqual({
      id: expect.any(Number),
      username: "john_doe",
      email: "John@Example.com",
      email_verified: false,
      created_at: time,
      read_receipts: true,
      presence: "visible",
      display_name: null,
      bio: null,
      avatar_url: null,
      is_bot_account: false,
      totp_enabled: false,
      has_password: true,
    });
    expect(Math.abs(Date.now() - Date.parse(body.created_at))).toBeLessThan(60_000);
  });

  test("keeps the password as an argon2id hash only", async () => {
    await register({ username: "hashed", email: "hashed@example.com", password });
    const [row] = await world.sql`select to_jsonb(u) as row from users u where username = 'hashed'`;
    expect(row?.row.hashed_password).toStartWith("$argon2id$");
    expect(JSON.stringify(row?.row)).not.toContain(password);
  });

  test("ignores members that it doesn't know, and never stores them", async () => {
    const { status, body } = await register({
      id: 4_711,
      created_at: "1999-01-01T00:00:00.000Z",
      is_admin: true,
      username: "modest",
      email: "modest@example.com",
      password,
    });
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual(Object.keys(User.shape));
    expect(body.id).not.toBe(4_711);
    expect(body.created_at).not.toStartWith("1999");
  });

  test("refuses a username or an email that is taken in another case", async () => {
    await register({ username: "Twice", email: "twice@example.com", password });
    const before = await countUsers();
    expectProblem(
      await register({ username: "tWICE", email: "other@example.com", password }),
      409,
      "username_taken",
    );
    expectProblem(
      await register({ username: "another", email: "TWICE@example.COM", password }),
      409,
      "email_taken",
    );
    expect(await countUsers()).toBe(before);
  });

  test("keeps the bot's name from everybody", async () => {
    for (const username of ["Gemini", "gemini"]) {
      const answer = await register({ username, email: "bot@example.com", password });
      expectProblem(answer, 409, "username_taken");
    }
  });

  test.each<[what: string, code: string, as: (i: number) => { username: string; email: string }]>([
    [
      "name",
      "username_taken",
      (i) => ({ username: i % 2 ? "RACER" : "racer", email: `racer${i}@example.com` }),
    ],
    [
      "email address",
      "email_taken",
      (i) => ({ username: `runner${i}`, email: i % 2 ? "Racer@Example.com" : "racer@example.com" }),
    ],
  ])("has one winner when 50 people race for one %s in any case", async (_, code, as) => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => register({ ...as(i), password })),
    );
    const winners = answers.filter((answer) => answer.status === 200);
    expect(winners).toHaveLength(1);
    for (const answer of answers) {
      if (answer !== winners[0]) expectProblem(answer, 409, code);
    }
    const { username, email } = as(0);
    const rows = await world.sql`
      select id from users where lower(username) = ${username} or lower(email) = ${email}
    `;
    expect([...rows]).toEqual([{ id: winners[0]?.body.id }]);
  });

  test("takes names, addresses and passwords up to their limits", async () => {
    const bodies = [
      { username: "ab", email: "a@b.co", password: "8 chars!" },
      { username: "A-Z_a.z-0123456789_abcdefghijklm", email: "long@example.com", password },
      { username: "emoji8", email: "emoji8@example.com", password: "😀".repeat(8) },
      { username: "emoji256", email: "emoji256@example.com", password: "😀".repeat(256) },
    ];
    for (const body of bodies) {
      expect((await register(body)).status).toBe(200);
      const { username, password } = body;
      expect((await login({ username, password })).status).toBe(200);
    }
  });

  test("keeps a password's spaces", async () => {
    const spaced = "  spaces matter  ";
    await register({ username: "spaced", email: "spaced@example.com", password: spaced });
    expect((await login({ username: "spaced", password: spaced })).status).toBe(200);
    const trimmed = await login({ username: "spaced", password: spaced.trim() });
    expectProblem(trimmed, 401, "invalid_credentials");
  });

  const good = { username: "faulty", email: "faulty@example.com", password };
  const long = `${"a".repeat(250)}@b.co`;

  test.each<[what: string, body: unknown, ...pointers: string[]]>([
    ["nothing at all", {}, "/username", "/email", "/password"],
    ["an array", [good], ""],
    ["a text", "good", ""],
    ["null", null, ""],
    ["no username", { ...good, username: undefined }, "/username"],
    ["null for a username", { ...good, username: null }, "/username"],
    ["a number for a username", { ...good, username: 12 }, "/username"],
    ["an empty username", { ...good, username: "" }, "/username"],
    ["a username of 1 character", { ...good, username: "a" }, "/username"],
    ["a username of 33 characters", { ...good, username: "a".repeat(33) }, "/username"],
    ["a username with a space", { ...good, username: "a b" }, "/username"],
    ["a username with an umlaut", { ...good, username: "jörg" }, "/username"],
    ["a username with U+0000", { ...good, username: "ab\u0000" }, "/username"],
    ["a username with a lone surrogate", { ...good, username: "ab\ud800" }, "/username"],
    ["no email", { ...good, email: undefined }, "/email"],
    ["an email without @", { ...good, email: "faulty.example.com" }, "/email"],
    ["an email of 255 characters", { ...good, email: long }, "/email"],
    ["an email with U+0000", { ...good, email: "a\u0000@example.com" }, "/email"],
    ["an email with a lone surrogate", { ...good, email: "a\udfff@example.com" }, "/email"],
    ["no password", { ...good, password: undefined }, "/password"],
    ["a number for a password", { ...good, password: 1234567890 }, "/password"],
    ["a password of 7 characters", { ...good, password: "seven77" }, "/password"],
    ["a password of 7 emoji", { ...good, password: "😀".repeat(7) }, "/password"],
    ["a password of 257 characters", { ...good, password: "a".repeat(257) }, "/password"],
    ["a password with U+0000", { ...good, password: "password\u0000" }, "/password"],
    ["a password with a lone surrogate", { ...good, password: "password\ud83d" }, "/password"],
    ["two faults", { ...good, username: "a", email: "b" }, "/username", "/email"],
  ])("refuses %s", async (_, body, ...pointers) => {
    const before = await countUsers();
    expectInvalid(await register(body), ...pointers);
    expect(await countUsers()).toBe(before);
  });
});

describe("signing in", () => {
  beforeAll(() => register({ username: "Signer", email: "signer@example.com", password }));

  test("answers with tokens that nobody may cache", async () => {
    const { status, body, headers } = await login({ username: "Signer", password });
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual([
      "access_token",
      "token_type",
      "expires_in",
      "refresh_token",
    ]);
    expect(body).toMatchObject({ token_type: "bearer", expires_in: 1_800 });
    expect(headers.get("cache-control")).toBe("no-store");
    const me = await world.call("GET", "/api/auth/me", undefined, {
      authorization: `Bearer ${body.access_token}`,
    });
    expect(me.status).toBe(200);
    expect(me.body).toMatchObject({ username: "Signer", email: "signer@example.com" });
  });

  test("takes the username in any case", async () => {
    expect((await login({ username: "sIGNER", password })).status).toBe(200);
  });

  test("tells a wrong password from an unknown person in nothing", async () => {
    const wrong = await login({ username: "Signer", password: "not the password" });
    const unknown = await login({ username: "nobody_here", password });
    expectProblem(wrong, 401, "invalid_credentials");
    expect(unknown.body).toEqual(wrong.body);
    expect(unknown.status).toBe(wrong.status);
    const names = (headers: Headers) => [...headers.keys()].toSorted();
    expect(names(unknown.headers)).toEqual(names(wrong.headers));
  });

  test("finds nobody under a name that nobody can have", async () => {
    for (const username of ["j%", "x' or '1'='1", "ünknown", "a".repeat(200)]) {
      expectProblem(await login({ username, password }), 401, "invalid_credentials");
    }
  });

  test.each<[what: string, body: unknown, ...pointers: string[]]>([
    ["nothing at all", {}, "/username", "/password"],
    ["an empty username", { username: " ", password }, "/username"],
    ["an empty password", { username: "Signer", password: "" }, "/password"],
    ["an object for a username", { username: { ne: null }, password }, "/username"],
    ["a username with U+0000", { username: "Signer\u0000", password }, "/username"],
    ["a password with U+0000", { username: "Signer", password: "\u0000" }, "/password"],
    ["a lone surrogate", { username: "\udc00", password: "\ud800" }, "/username", "/password"],
    [
      "a password of 257 characters",
      { username: "Signer", password: "a".repeat(257) },
      "/password",
    ],
  ])("refuses %s", async (_, body, ...pointers) => {
    expectInvalid(await login(body), ...pointers);
  });
});
