// Sign-ins that come at once: more than may fail, none of which fails.
import { describe, expect, test } from "bun:test";
import { signInFailures } from "../../src/rate-limits/limits.ts";
import { Problem } from "../../src/wire/problems.ts";
import { useWorld, type World } from "../world/world.ts";

const { accountFromAddress, address: perAddress } = signInFailures;
const servers = ["memory", "postgres"].map((store): [string, World] => [
  store,
  useWorld({ env: { RATE_LIMITS: store } }),
]);

const succeed = async () => {
  await Bun.sleep(200);
  return "in";
};
const fail = () => Promise.reject(new Problem("invalid_credentials", "No."));

const attemptOf = (username: string, network: string) =>
  ({ username, factor: "password", network }) as const;

describe.each(servers)("with RATE_LIMITS=%s", (_, world) => {
  const guard = (username: string, network: string, signIn: () => Promise<string>) =>
    world.ctx.rateLimits.guardSignIn(attemptOf(username, network), signIn);

  test("many people who sign in at one address at once lock nobody out there", async () => {
    const network = "198.51.100.1";
    const burst = Array.from({ length: 3 * perAddress.quota }, (_, n) =>
      guard(`staff${n}`, network, succeed).catch((error: unknown) => error),
    );
    const ends = await Promise.all(burst);
    expect(ends.filter((end) => end === "in").length).toBeGreaterThanOrEqual(perAddress.quota);
    expect(await guard("late", network, succeed)).toBe("in");
  });

  test("many clients of one person that sign in at once do not lock the person out", async () => {
    const network = "198.51.100.2";
    const burst = Array.from({ length: 3 * accountFromAddress.quota }, () =>
      guard("ann", network, succeed).catch((error: unknown) => error),
    );
    const ends = await Promise.all(burst);
    expect(ends.filter((end) => end === "in").length).toBeGreaterThanOrEqual(
      accountFromAddress.quota,
    );
    expect(await guard("ann", network, succeed)).toBe("in");
  });

  test("an address that is refused on any account leaves no counts of further accounts", async () => {
    const network = "198.51.100.3";
    for (let n = 0; n < perAddress.quota; n += 1) {
      await expect(guard(`victim${n}`, network, fail)).rejects.toMatchObject({
        code: "invalid_credentials",
      });
    }
    for (let n = 0; n < 5; n += 1) {
      await expect(guard(`further${n}`, network, fail)).rejects.toMatchObject({
        code: "rate_limited",
      });
    }
    const counts = await world.sql`
      select key from rate_limits where key like 'sign-in-account-address:further%'
    `;
    expect(counts).toHaveLength(0);
  });

  test("failures that come at once are counted, and no more of them are made than may be", async () => {
    const network = "198.51.100.4";
    const burst = Array.from({ length: 3 * accountFromAddress.quota }, () =>
      guard("ben", network, fail).catch((error: Problem) => error.code),
    );
    const ends = await Promise.all(burst);
    expect(ends.filter((end) => end === "invalid_credentials")).toHaveLength(
      accountFromAddress.quota,
    );
    await expect(guard("ben", network, succeed)).rejects.toMatchObject({ code: "rate_limited" });
    await expect(guard("ben", network, succeed)).rejects.toMatchObject({ code: "rate_limited" });
  });
});
