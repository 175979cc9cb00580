import { describe, expect, spyOn, test } from "bun:test";
import { pino } from "pino";
import { Passwords } from "../../src/accounts/passwords.ts";
import { expectProblem } from "../http/refusals.ts";
import { newAppSecret } from "../world/app-codes.ts";
import { useWorld } from "../world/world.ts";

const password = "correct horse battery";
/** Bun's own way, with what a server before this one may have chosen. */
const weak = {
  "argon2id with less memory": { algorithm: "argon2id", memoryCost: 8_192, timeCost: 3 },
  "argon2id with fewer passes": { algorithm: "argon2id", memoryCost: 65_536, timeCost: 1 },
  argon2i: { algorithm: "argon2i", memoryCost: 19_456, timeCost: 2 },
  bcrypt: { algorithm: "bcrypt", cost: 4 },
} as const;

const world = useWorld({ passwordCost: undefined });

async function register(username: string) {
  const email = `${username}@example.com`;
  await world.call("POST", "/api/auth/register", { username, email, password });
}

const login = (username: string, typed = password) =>
  world.call("POST", "/api/auth/login", { username, password: typed });

const passwords = new Passwords(pino({ level: "silent" }));

async function storedHash(username: string): Promise<string> {
  const [row] = await world.sql`select hashed_password from users where username = ${username}`;
  return row?.hashed_password;
}

test("a password is stored as argon2id with 19 MiB, 2 passes and 1 lane, and a salt of its own", async () => {
  const hashes = await Promise.all([passwords.hash(password), passwords.hash(password)]);
  for (const hash of hashes) expect(hash).toStartWith("$argon2id$v=19$m=19456,t=2,p=1$");
  expect(hashes[0]).not.toBe(hashes[1]);
  await register("stored");
  expect(await storedHash("stored")).toStartWith("$argon2id$v=19$m=19456,t=2,p=1$");
});

test("two are hashed or verified at once, however many come", async () => {
  let running = 0;
  let most = 0;
  const counted =
    <Args extends unknown[], Result>(work: (...args: Args) => Promise<Result>) =>
    async (...args: Args) => {
      running += 1;
      most = Math.max(most, running);
      try {
        return await work(...args);
      } finally {
        running -= 1;
      }
    };
  const { hash, verify } = Bun.password;
  const spies = [
    spyOn(Bun.password, "hash").mockImplementation(counted(hash)),
    spyOn(Bun.password, "verify").mockImplementation(counted(verify)),
  ];
  try {
    const stored = await passwords.hash(password);
    const results = await Promise.all(
      Array.from({ length: 6 }, (_, n) =>
        n % 2 ? passwords.hash(password) : passwords.verify(password, stored),
      ),
    );
    expect(results.filter((result) => result === true)).toHaveLength(3);
    expect(most).toBe(2);
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
});

test("an unknown user costs one verification, as a wrong password does, and hears the same", async () => {
  await register("known");
  await login("known");
  const verify = spyOn(Bun.password, "verify");
  const hash = spyOn(Bun.password, "hash");
  try {
    const answers = [];
    for (const username of ["known", "unknown"]) {
      verify.mockClear();
      answers.push(await login(username, "not the password"));
      expect(verify).toHaveBeenCalledTimes(1);
      // Against a hash that costs the same.
      expect(String(verify.mock.calls[0]?.[1])).toStartWith("$argon2id$v=19$m=19456,t=2,p=1$");
    }
    expect(hash).not.toHaveBeenCalled();
    const [wrong, unknown] = answers;
    if (!wrong || !unknown) throw new Error("two answers");
    expectProblem(wrong, 401, "invalid_credentials");
    expect(unknown.body).toEqual(wrong.body);
    const shown = ({ headers }: typeof wrong) =>
      [...headers].filter(([name]) => !["x-request-id", "date"].includes(name));
    expect(shown(unknown)).toEqual(shown(wrong));
  } finally {
    verify.mockRestore();
    hash.mockRestore();
  }
});

describe("a stored hash", () => {
  test("of today is strong enough, and what is no hash is not", async () => {
    expect(passwords.isWeak(await passwords.hash(password))).toBe(false);
    expect(passwords.isWeak("$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$aGFzaA")).toBe(false);
    for (const hash of ["", "none", "$argon2id$", "$argon2id$v=16$m=19456,t=2,p=1$c2FsdA$aGFzaA"])
      expect(passwords.isWeak(hash)).toBe(true);
  });

  test.each(Object.entries(weak))(
    "of %s is replaced when its person signs in, and not before",
    async (what, how) => {
      const username = `weak-${what.length}`;
      await register(username);
      const old = await Bun.password.hash(password, how);
      expect(passwords.isWeak(old)).toBe(true);
      await world.sql`update users set hashed_password = ${old} where username = ${username}`;

      expectProblem(await login(username, "not the password"), 401, "invalid_credentials");
      expect(await storedHash(username)).toBe(old);

      expect((await login(username)).status).toBe(200);
      const renewed = await storedHash(username);
      expect(renewed).toStartWith("$argon2id$v=19$m=19456,t=2,p=1$");
      expect((await login(username)).status).toBe(200);
      expect(await storedHash(username)).toBe(renewed);
      expectProblem(await login(username, "not the password"), 401, "invalid_credentials");
    },
  );

  test.each([
    ["the same password", password, 200],
    ["another password", "another good password", 401],
  ])(
    "that is replaced while it is verified, by one of %s, is verified anew",
    async (_, now, status) => {
      const username = `replaced-${status}`;
      await register(username);
      const old = await Bun.password.hash(password, weak.bcrypt);
      await world.sql`update users set hashed_password = ${old} where username = ${username}`;
      const replacement = await passwords.hash(now);
      const real = Bun.password.verify;
      const verify = spyOn(Bun.password, "verify").mockImplementationOnce(async (...given) => {
        const isRight = await real(...given);
        await world.sql`update users set hashed_password = ${replacement} where username = ${username}`;
        return isRight;
      });
      try {
        expect((await login(username)).status).toBe(status);
        expect(await storedHash(username)).toBe(replacement);
      } finally {
        verify.mockRestore();
      }
    },
  );

  test("that is weak is replaced when the code of an app is still to come, which is then taken", async () => {
    await register("with-app");
    const { secret, code } = newAppSecret();
    const old = await Bun.password.hash(password, weak.bcrypt);
    await world.sql`update users set hashed_password = ${old} where username = 'with-app'`;
    await world.sql`
      insert into totp_secrets (user_id, secret, confirmed_at) select id, ${secret}, now() from users where username = 'with-app'
    `;
    const [first, second] = await Promise.all([login("with-app"), login("with-app")]);
    expect(await storedHash("with-app")).toStartWith("$argon2id$v=19$m=19456,t=2,p=1$");
    expect(first.body.ticket).not.toBe(second.body.ticket);
    const holders = await world.sql`
      select 1 from sign_in_tickets t join users u on u.id = t.user_id
      where u.username = 'with-app' and t.password_digest = sha256(convert_to(u.hashed_password, 'UTF8'))
    `;
    expect(holders).toHaveLength(2);
    const { ticket } = second.body;
    const done = await world.call("POST", "/api/auth/login/totp", { ticket, code });
    expect(done.status).toBe(200);
  });
});

test.each([
  "",
  "not a hash",
  "$argon2id$",
  "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$",
  "$argon2id$v=19$m=99999999999,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA",
  "$2b$10$short",
  "$2b$99$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234",
  "pbkdf2_sha256$600000$salt$hash=",
  "\\u0000",
])(
  "a stored password that is no hash, such as %j, lets nobody in and is no error",
  async (stored) => {
    const username = `damaged${crypto.randomUUID().slice(0, 8)}`;
    await register(username);
    const { body } = await login(username);
    await world.sql`update users set hashed_password = ${stored} where username = ${username}`;
    expectProblem(await login(username), 401, "invalid_credentials");
    expectProblem(await login(username, stored || "empty"), 401, "invalid_credentials");
    const change = { current_password: password, new_password: "another good password" };
    const changed = await world.call("POST", "/api/auth/password", change, {
      authorization: `Bearer ${body.access_token}`,
    });
    expectProblem(changed, 403, "wrong_password");
  },
);
