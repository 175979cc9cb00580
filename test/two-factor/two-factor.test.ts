import { describe, expect } from "bun:test";
import { expectInvalid, expectProblem } from "../http/refusals.ts";
import { appCode } from "../world/app-codes.ts";
import { startWorld, useWorld } from "../world/world.ts";
import { longTest, test } from "../world/long.ts";

const stepMs = 30_000;
/** The middle of a step: a clock that went on would come to the next one within a test. */
const startedAt = Math.floor(Date.now() / stepMs) * stepMs + stepMs / 2;
let aheadMs = 0;
const now = () => new Date(startedAt + aheadMs);
const world = useWorld({ now });
const password = "correct horse battery";
let people = 0;

async function registered() {
  people += 1;
  const username = `factor${people}`;
  const input = { username, email: `${username}@example.com`, password };
  await world.call("POST", "/api/auth/register", input);
  const { body: tokens } = await login(username);
  const bearer = { authorization: `Bearer ${tokens.access_token}` };
  const api = (method: string, path: string, body?: unknown) =>
    world.call(method, path, body, bearer);
  return { username, api };
}

/** A person with an app. */
async function protectedPerson() {
  const person = await registered();
  const { body: setup } = await person.api("POST", "/api/auth/totp");
  const secret: string = setup.secret;
  const confirmed = await person.api("POST", "/api/auth/totp/confirm", { code: codeOf(secret) });
  expect(confirmed.status).toBe(200);
  const codes: string[] = confirmed.body.recovery_codes;
  return { ...person, secret, codes };
}

const codeOf = (secret: string, atMs = now().getTime()) => appCode(secret, atMs);
/** The code of a step that nobody has used. */
function nextCode(secret: string): string {
  aheadMs += 2 * stepMs;
  return codeOf(secret);
}

const login = (username: string, typed = password) =>
  world.call("POST", "/api/auth/login", { username, password: typed });
const withCode = (ticket: unknown, code: unknown) =>
  world.call("POST", "/api/auth/login/totp", { ticket, code });
const ticketOf = async (username: string) => (await login(username)).body.ticket;

/** A code that is wrong at any time near now. */
function wrongCode(secret: string): string {
  const at = now().getTime();
  const right = [-2, -1, 0, 1, 2].map((steps) => codeOf(secret, at + steps * stepMs));
  const guesses = ["000000", "111111", "222222", "333333", "444444", "555555"];
  return guesses.find((code) => !right.includes(code)) ?? "";
}

describe("setting up an app", () => {
  test("changes nothing until its code has come, and then gives ten recovery codes", async () => {
    const person = await registered();
    const { body } = await person.api("POST", "/api/auth/totp");
    expect(body.secret).toMatch(/^[A-Z2-7]{32}$/);
    const uri = new URL(body.uri);
    expect(uri.href).toStartWith(`otpauth://totp/Gemini%20Coop:${person.username}?`);
    expect(uri.searchParams.get("secret")).toBe(body.secret);
    expect((await login(person.username)).status).toBe(200);
    expect((await person.api("GET", "/api/auth/me")).body.totp_enabled).toBe(false);
    const wrong = { code: wrongCode(body.secret) };
    expectProblem(await person.api("POST", "/api/auth/totp/confirm", wrong), 403, "invalid_code");
    const confirmed = await person.api("POST", "/api/auth/totp/confirm", {
      code: codeOf(body.secret),
    });
    expect(confirmed.status).toBe(200);
    const codes: string[] = confirmed.body.recovery_codes;
    expect(new Set(codes).size).toBe(10);
    for (const code of codes) expect(code).toMatch(/^[A-Z2-7]{4}(-[A-Z2-7]{4}){3}$/);
    expect((await person.api("GET", "/api/auth/me")).body.totp_enabled).toBe(true);
    const rows = await world.sql`select encode(code_hash, 'escape') as hash from recovery_codes`;
    for (const code of codes) expect(JSON.stringify([...rows])).not.toContain(code);
  });

  test("takes a recent sign-in, so that a stolen session cannot keep its owner out", async () => {
    const { username, api } = await registered();
    await world.sql`
      update sessions set created_at = now() - interval '11 minutes'
      where user_id = (select id from users where username = ${username})
    `;
    expectProblem(await api("POST", "/api/auth/totp"), 403, "sign_in_again");
    const guess = { code: "123456" };
    expectProblem(await api("POST", "/api/auth/totp/confirm", guess), 409, "totp_not_set_up");
    expect((await login(username)).status).toBe(200);
  });

  test("again replaces the secret until it is confirmed, and is refused afterwards", async () => {
    const person = await registered();
    const { body: first } = await person.api("POST", "/api/auth/totp");
    const { body: second } = await person.api("POST", "/api/auth/totp");
    const confirm = (code: string) => person.api("POST", "/api/auth/totp/confirm", { code });
    expectProblem(await confirm(codeOf(first.secret)), 403, "invalid_code");
    const answers = await Promise.all([1, 2].map(() => confirm(codeOf(second.secret))));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    expectProblem(await person.api("POST", "/api/auth/totp"), 409, "totp_enabled");
    expectProblem(await confirm(codeOf(second.secret)), 409, "totp_enabled");
  });
});

describe("signing in", () => {
  test("asks for a code after the right password only, and begins no session before it", async () => {
    const { username, secret } = await protectedPerson();
    expectProblem(await login(username, "wrong"), 401, "invalid_credentials");
    const asked = await login(username);
    expect(asked.status).toBe(401);
    expect(asked.body).toEqual({
      type: "/problems/mfa_required",
      title: expect.any(String),
      status: 401,
      detail: expect.any(String),
      instance: "/api/auth/login",
      ticket: expect.stringMatching(/^[\w-]{43}$/),
    });
    const { ticket } = asked.body;
    for (const headers of [{ authorization: `Bearer ${ticket}` }]) {
      const answer = await world.call("GET", "/api/auth/me", undefined, headers);
      expectProblem(answer, 401, "invalid_token");
    }
    const done = await withCode(ticket, ` ${nextCode(secret).replace(/^.../, "$& ")} `);
    expect(done.status).toBe(200);
    const me = await world.call("GET", "/api/auth/me", undefined, {
      authorization: `Bearer ${done.body.access_token}`,
    });
    expect(me.body.username).toBe(username);
    expectProblem(await withCode(ticket, nextCode(secret)), 401, "invalid_token");
  });

  test("takes no code twice, not that of the set-up either, and none of an earlier step", async () => {
    const { username, secret } = await protectedPerson();
    const setUp = codeOf(secret);
    expectProblem(await withCode(await ticketOf(username), setUp), 403, "invalid_code");
    const code = nextCode(secret);
    const earlier = codeOf(secret, now().getTime() - stepMs);
    const tickets = await Promise.all([1, 2, 3].map(() => ticketOf(username)));
    const answers = await Promise.all(tickets.map((ticket) => withCode(ticket, code)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 403, 403]);
    expectProblem(await withCode(await ticketOf(username), code), 403, "invalid_code");
    expectProblem(await withCode(await ticketOf(username), earlier), 403, "invalid_code");
  });

  test("takes codes of the steps beside the present one, and no others", async () => {
    const { username, secret } = await protectedPerson();
    aheadMs += 10 * stepMs;
    const at = now().getTime();
    for (const steps of [-3, 3]) {
      const code = codeOf(secret, at + steps * stepMs);
      expectProblem(await withCode(await ticketOf(username), code), 403, "invalid_code");
    }
    for (const steps of [-1, 1]) {
      const code = codeOf(secret, at + steps * stepMs);
      expect((await withCode(await ticketOf(username), code)).status).toBe(200);
    }
  });

  test("takes each recovery code once, however it is typed", async () => {
    const { username, codes } = await protectedPerson();
    const [first = "", second = ""] = codes;
    expect((await withCode(await ticketOf(username), first)).status).toBe(200);
    expectProblem(await withCode(await ticketOf(username), first), 403, "invalid_code");
    const typed = second.toLowerCase().replaceAll("-", " ");
    expect((await withCode(await ticketOf(username), typed)).status).toBe(200);
    const other = await protectedPerson();
    expectProblem(await withCode(await ticketOf(other.username), codes[2]), 403, "invalid_code");
  });

  test("ends a ticket after five wrong codes, after five minutes, and when the password changes", async () => {
    const { username, secret, codes, api } = await protectedPerson();
    const tried = await ticketOf(username);
    for (let n = 0; n < 5; n += 1) {
      expectProblem(await withCode(tried, wrongCode(secret)), 403, "invalid_code");
    }
    expectProblem(await withCode(tried, codes[0]), 401, "invalid_token");
    const late = await ticketOf(username);
    await world.sql`update sign_in_tickets set expires_at = now()`;
    expectProblem(await withCode(late, codes[0]), 401, "invalid_token");
    const old = await ticketOf(username);
    const change = { current_password: password, new_password: "another horse battery" };
    expect((await api("POST", "/api/auth/password", change)).status).toBe(200);
    expectProblem(await withCode(old, codes[0]), 401, "invalid_token");
    expectProblem(await withCode("none", codes[0]), 401, "invalid_token");
    expectInvalid(await withCode(old, ""), "/code");
    expectInvalid(await withCode(old, 123_456), "/code");
  });
});

describe("turning it off", () => {
  test("needs a code, and then signing in needs none", async () => {
    const { username, secret, codes, api } = await protectedPerson();
    const remove = (code: unknown) => api("DELETE", "/api/auth/totp", { code });
    expectProblem(await remove(wrongCode(secret)), 403, "invalid_code");
    expect((await remove(nextCode(secret))).status).toBe(200);
    expect((await login(username)).status).toBe(200);
    expectProblem(await remove(codes[0]), 409, "totp_not_set_up");
    const left = await world.sql`
      select 1 from recovery_codes c join users u on u.id = c.user_id where u.username = ${username}
    `;
    expect(left).toHaveLength(0);
  });
});

test("what was done and refused is in the audit trail, without codes", async () => {
  const { username, secret, codes, api } = await protectedPerson();
  await withCode(await ticketOf(username), wrongCode(secret));
  await withCode(await ticketOf(username), codes[0]);
  await api("DELETE", "/api/auth/totp", { code: codes[1] });
  const events = await world.sql`
    select action, outcome, details from audit_events
    where (actor_name = ${username} or details->>'username' = ${username}) and action <> 'register' order by id
  `;
  expect(events.map(({ action, outcome }) => [action, outcome])).toEqual([
    ["sign_in", "ok"],
    ["enable_totp", "ok"],
    ["sign_in", "invalid_code"],
    ["sign_in", "ok"],
    ["disable_totp", "ok"],
  ]);
  expect(JSON.stringify([...events])).not.toContain(codes[0]);
});

longTest(
  "codes are guessed within the limits of passwords, and are counted apart from them",
  async () => {
    const strict = await startWorld({ env: { RATE_LIMITS: "memory" } });
    try {
      const input = { username: "guessed", email: "guessed@example.com", password };
      await strict.call("POST", "/api/auth/register", input);
      const sign = () => strict.call("POST", "/api/auth/login", { username: "guessed", password });
      const { body: tokens } = await sign();
      const bearer = { authorization: `Bearer ${tokens.access_token}` };
      const { body: setup } = await strict.call("POST", "/api/auth/totp", undefined, bearer);
      const code = appCode(setup.secret);
      await strict.call("POST", "/api/auth/totp/confirm", { code }, bearer);
      const statuses: number[] = [];
      for (let n = 0; n < 12; n += 1) {
        const { ticket } = (await sign()).body;
        const guess = { ticket, code: wrongCode(setup.secret) };
        statuses.push((await strict.call("POST", "/api/auth/login/totp", guess)).status);
      }
      expect(statuses).toEqual([...Array.from({ length: 10 }, () => 403), 429, 429]);
      // The password is not locked.
      expect((await sign()).body.type).toBe("/problems/mfa_required");
    } finally {
      await strict.stop();
    }
  },
);
