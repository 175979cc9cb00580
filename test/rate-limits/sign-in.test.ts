// Trying passwords: slowed down where it comes from, while the owner signs in from elsewhere.
import { afterEach, describe, expect, setSystemTime, test } from "bun:test";
import { signInFailures } from "../../src/rate-limits/limits.ts";
import { Problem } from "../../src/wire/problems.ts";
import { useWorld, type Answer } from "../world/world.ts";
import { expectProblem } from "../http/refusals.ts";

const { accountFromAddress, address: perAddress, account: perAccount } = signInFailures;
const password = "correct horse battery";

const world = useWorld({ env: { RATE_LIMITS: "memory", TRUSTED_PROXIES: "127.0.0.1" } });
afterEach(() => void setSystemTime());

let names = 0;
async function register(): Promise<string> {
  names += 1;
  const username = `Owner_${names}`;
  const body = { username, email: `${username}@example.com`, password };
  expect((await world.call("POST", "/api/auth/register", body)).status).toBe(200);
  return username;
}

let addresses = 0;
function someAddress(): string {
  addresses += 1;
  return `198.51.${addresses >> 8}.${addresses & 255}`;
}

const login = (address: string, username: string, given = password): Promise<Answer> =>
  world.call(
    "POST",
    "/api/auth/login",
    { username, password: given },
    { "x-forwarded-for": address },
  );

/** Attempts that fail as those of a wrong password do, without the time that a password takes. */
async function fail(username: string, network: string, times: number) {
  const wrong = () => Promise.reject(new Problem("invalid_credentials", "No."));
  for (let n = 0; n < times; n += 1) {
    const attempt = world.ctx.rateLimits.guardSignIn(
      { username, factor: "password", network },
      wrong,
    );
    await expect(attempt).rejects.toMatchObject({ code: "invalid_credentials" });
  }
}

function expectThrottled(answer: Answer, windowSeconds: number): number {
  expectProblem(answer, 429, "rate_limited");
  const seconds = Number(answer.headers.get("retry-after"));
  expect(seconds).toBeGreaterThan(windowSeconds - 60);
  expect(seconds).toBeLessThanOrEqual(windowSeconds);
  return seconds;
}

/** An answer without what differs between any two requests. */
const essence = ({ status, body }: Answer) => ({ status, body });

describe("an account that is tried from one address", () => {
  test("is throttled there after so many failures, also with the right password and in other letters", async () => {
    const [owner, attacker] = [await register(), someAddress()];
    for (let n = 0; n < accountFromAddress.quota; n += 1) {
      expectProblem(await login(attacker, owner, `wrong ${n}`), 401, "invalid_credentials");
    }
    const refused = await login(attacker, owner, "wrong again");
    expectThrottled(refused, accountFromAddress.windowSeconds);
    expect(refused.body.detail).toContain("15 minutes");
    for (const name of [owner, owner.toLowerCase(), owner.toUpperCase()]) {
      expect(essence(await login(attacker, name))).toEqual(essence(refused));
    }
  });

  test("is throttled there for whoever changes its password with a stolen token, too", async () => {
    const [owner, thief] = [await register(), someAddress()];
    const { body } = await login(thief, owner);
    const change = (current: string) =>
      world.call(
        "POST",
        "/api/auth/password",
        { current_password: current, new_password: "the thief's own" },
        { authorization: `Bearer ${body.access_token}`, "x-forwarded-for": thief },
      );
    for (let n = 0; n < accountFromAddress.quota; n += 1) {
      expectProblem(await change(`wrong ${n}`), 403, "wrong_password");
    }
    expectThrottled(await change(password), accountFromAddress.windowSeconds);
    expect((await login(someAddress(), owner)).status).toBe(200);
  });

  test("may be signed in to by its owner from another address, and by others from this one", async () => {
    const [owner, other, attacker] = [await register(), await register(), someAddress()];
    await fail(owner, attacker, accountFromAddress.quota);
    expectThrottled(await login(attacker, owner), accountFromAddress.windowSeconds);
    expect((await login(someAddress(), owner)).status).toBe(200);
    expect((await login(attacker, other)).status).toBe(200);
    // The sign-in of the owner changes nothing for the attacker.
    expectThrottled(await login(attacker, owner), accountFromAddress.windowSeconds);
  });

  test("is free again when Retry-After is over, and not a second before", async () => {
    const [owner, address] = [await register(), someAddress()];
    await fail(owner, address, accountFromAddress.quota);
    const start = Date.now();
    const seconds = expectThrottled(await login(address, owner), accountFromAddress.windowSeconds);
    setSystemTime(start + (seconds - 2) * 1000);
    // To be refused does not make the wait longer.
    expectProblem(await login(address, owner), 429, "rate_limited");
    setSystemTime(start + seconds * 1000);
    expect((await login(address, owner)).status).toBe(200);
  });

  test("is not hidden by what stands in X-Forwarded-For before the proxy's own", async () => {
    const [owner, attacker] = [await register(), someAddress()];
    await fail(owner, attacker, accountFromAddress.quota);
    const forged = await login(`${someAddress()}, ${attacker}`, owner);
    expectThrottled(forged, accountFromAddress.windowSeconds);
  });

  test("is no longer near its limit after a success", async () => {
    const [owner, address] = [await register(), someAddress()];
    await fail(owner, address, accountFromAddress.quota - 1);
    expect((await login(address, owner)).status).toBe(200);
    await fail(owner, address, accountFromAddress.quota - 1);
    expect((await login(address, owner)).status).toBe(200);
  });

  test("is tried no more often for being tried many times at once", async () => {
    const [owner, attacker] = [await register(), someAddress()];
    const tries = Array.from({ length: 30 }, (_, n) => login(attacker, owner, `wrong ${n}`));
    const statuses = (await Promise.all(tries)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(accountFromAddress.quota);
    expect(statuses.filter((status) => status === 429)).toHaveLength(30 - accountFromAddress.quota);
  });
});

test.each([["nobody_is_this"], ["no name at all"], ["İvan"]])(
  "the name %j, which nobody has, is throttled like any other",
  async (name) => {
    const [owner, attacker] = [await register(), someAddress()];
    const wrong = await login(attacker, owner, "wrong");
    expectProblem(wrong, 401, "invalid_credentials");
    expect(essence(await login(attacker, name, "wrong"))).toEqual(essence(wrong));
    for (const each of [owner, name]) await fail(each, attacker, accountFromAddress.quota - 1);
    const [refused, unknown] = [await login(attacker, owner), await login(attacker, name)];
    expectThrottled(refused, accountFromAddress.windowSeconds);
    expect(essence(unknown)).toEqual(essence(refused));
  },
);

test("a failure that is not the password's is none", async () => {
  const [owner, address] = [await register(), someAddress()];
  const away = () => Promise.reject(new Problem("unavailable", "Away."));
  for (let n = 0; n < 2 * accountFromAddress.quota; n += 1) {
    const attempt = world.ctx.rateLimits.guardSignIn(
      { username: owner, factor: "password", network: address },
      away,
    );
    await expect(attempt).rejects.toMatchObject({ code: "unavailable" });
  }
  expect((await login(address, owner)).status).toBe(200);
});

describe("an address that tries many accounts", () => {
  test("is throttled for all of them, and only it", async () => {
    const [owner, attacker] = [await register(), someAddress()];
    for (let n = 0; n < perAddress.quota; n += 1) await fail(`victim${n}`, attacker, 1);
    expectThrottled(await login(attacker, owner), perAddress.windowSeconds);
    expect((await login(someAddress(), owner)).status).toBe(200);
  });

  test("counts nothing for an account while it is throttled", async () => {
    const [owner, attacker, start] = [await register(), someAddress(), Date.now()];
    for (let n = 0; n < perAddress.quota; n += 1) await fail(`prey${n}`, attacker, 1);
    setSystemTime(start + (perAddress.windowSeconds - 10) * 1000);
    for (let n = 0; n < 2 * accountFromAddress.quota; n += 1) {
      expectProblem(await login(attacker, owner), 429, "rate_limited");
    }
    setSystemTime(start + (perAddress.windowSeconds + 1) * 1000);
    expect((await login(attacker, owner)).status).toBe(200);
  });

  test("pays nothing for those who sign in", async () => {
    const [owner, office] = [await register(), someAddress()];
    for (let n = 0; n < perAddress.quota - 1; n += 1) await fail(`clumsy${n}`, office, 1);
    for (let n = 0; n < 3; n += 1) expect((await login(office, owner)).status).toBe(200);
  });
});

describe("an account that is tried from many addresses", () => {
  async function besiege(owner: string) {
    for (let n = 0; n < perAccount.quota / 5; n += 1) await fail(owner, someAddress(), 5);
  }

  test("is throttled for strangers, and open to its owner where they have signed in before", async () => {
    const [owner, home] = [await register(), someAddress()];
    expect((await login(home, owner)).status).toBe(200);
    await besiege(owner);
    expectThrottled(await login(someAddress(), owner), perAccount.windowSeconds);
    expect((await login(home, owner)).status).toBe(200);
    // The owner's own slips are counted where they are made.
    await fail(owner, home, accountFromAddress.quota);
    expectThrottled(await login(home, owner), accountFromAddress.windowSeconds);
  });

  test("is open to everybody after an hour", async () => {
    const owner = await register();
    await besiege(owner);
    const start = Date.now();
    const seconds = expectThrottled(await login(someAddress(), owner), perAccount.windowSeconds);
    setSystemTime(start + seconds * 1000);
    expect((await login(someAddress(), owner)).status).toBe(200);
  });
});
