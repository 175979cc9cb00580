// Trying codes of authenticator apps: counted for each account, as passwords are, and apart from them.
import { expect, test } from "bun:test";
import { signInFailures } from "../../src/rate-limits/limits.ts";
import { Problem } from "../../src/wire/problems.ts";
import { expectProblem } from "../http/refusals.ts";
import { appCode } from "../world/app-codes.ts";
import { useWorld } from "../world/world.ts";

const { accountFromAddress, account: perAccount } = signInFailures;
const password = "correct horse battery";
const world = useWorld({ env: { RATE_LIMITS: "memory", TRUSTED_PROXIES: "127.0.0.1" } });

let addresses = 0;
function someAddress(): string {
  addresses += 1;
  return `203.0.${addresses >> 8}.${addresses & 255}`;
}

const login = (username: string, address: string, given = password) =>
  world.call(
    "POST",
    "/api/auth/login",
    { username, password: given },
    { "x-forwarded-for": address },
  );

async function signIn(username: string, address: string, code: string) {
  const { ticket } = (await login(username, address)).body;
  const headers = { "x-forwarded-for": address };
  return await world.call("POST", "/api/auth/login/totp", { ticket, code }, headers);
}

let people = 0;
/** A person with an app, who has signed in from no address with it. @returns the username and the recovery codes */
async function protectedPerson(): Promise<{ username: string; codes: string[] }> {
  people += 1;
  const username = `coded${people}`;
  const body = { username, email: `${username}@example.com`, password };
  await world.call("POST", "/api/auth/register", body);
  const authorization = `Bearer ${(await login(username, someAddress())).body.access_token}`;
  const headers = { authorization, "x-forwarded-for": someAddress() };
  const { secret } = (await world.call("POST", "/api/auth/totp", undefined, headers)).body;
  const code = { code: appCode(secret) };
  const { body: confirmed } = await world.call("POST", "/api/auth/totp/confirm", code, headers);
  return { username, codes: confirmed.recovery_codes };
}

/** Tries codes of recovery that nobody has. */
async function tryWrongCodes(username: string, address: string, times: number) {
  for (let n = 0; n < times; n += 1) {
    expectProblem(await signIn(username, address, `WRONG${n}`), 403, "invalid_code");
  }
}

test("wrong codes on one account keep nobody from signing in to another one at the same address", async () => {
  const [victim, other, office] = [await protectedPerson(), await protectedPerson(), someAddress()];
  await tryWrongCodes(victim.username, office, accountFromAddress.quota);
  const refused = await signIn(victim.username, office, victim.codes[0] ?? "");
  expectProblem(refused, 429, "rate_limited");
  expect((await signIn(other.username, office, other.codes[0] ?? "")).status).toBe(200);
});

test("a sign-in to another account gives nobody more codes to try", async () => {
  const [victim, own, attacker] = [await protectedPerson(), await protectedPerson(), someAddress()];
  await tryWrongCodes(victim.username, attacker, accountFromAddress.quota - 1);
  expect((await signIn(own.username, attacker, own.codes[0] ?? "")).status).toBe(200);
  await tryWrongCodes(victim.username, attacker, 1);
  expectProblem(await signIn(victim.username, attacker, "WRONG"), 429, "rate_limited");
});

test("attempts on names that nobody can have keep nobody's code from being taken", async () => {
  const person = await protectedPerson();
  for (let n = 0; n < perAccount.quota / 5; n += 1) {
    const network = someAddress();
    for (let m = 0; m < 5; m += 1) {
      const attempt = { username: "no name at all", factor: "password", network } as const;
      const wrong = () => Promise.reject(new Problem("invalid_credentials", "No."));
      const tried = world.ctx.rateLimits.guardSignIn(attempt, wrong);
      await expect(tried).rejects.toMatchObject({ code: "invalid_credentials" });
    }
  }
  expect((await signIn(person.username, someAddress(), person.codes[0] ?? "")).status).toBe(200);
});

test("a person with an app is not locked out by strangers where they have signed in before", async () => {
  const [{ username, codes }, home] = [await protectedPerson(), someAddress()];
  expect((await signIn(username, home, codes[0] ?? "")).status).toBe(200);
  for (let n = 0; n < perAccount.quota; n += 1) {
    const attempt = { username, factor: "password", network: someAddress() } as const;
    const wrong = () => Promise.reject(new Problem("invalid_credentials", "No."));
    const tried = world.ctx.rateLimits.guardSignIn(attempt, wrong);
    await tried.catch(() => undefined);
  }
  expectProblem(await login(username, someAddress()), 429, "rate_limited");
  expect((await signIn(username, home, codes[1] ?? "")).status).toBe(200);
});
