// OWASP Password Storage Cheat Sheet: argon2id with at least 19 MiB, 2 passes, 1 lane. A hash takes about 40 ms of a
// core and 19 MiB, so only a few run at once, and only so many may wait.
import { Problem } from "../wire/problems.ts";

const memoryCostKiB = 19_456;
const timeCost = 2;
const runningMax = 2;
const waitingMax = 200;

let running = 0;
const waiting: (() => void)[] = [];

/** @throws Problem `unavailable` when too many are waiting already */
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= runningMax) {
    if (waiting.length >= waitingMax) {
      throw new Problem("unavailable", "Too many people are signing in. Try again in a moment.", {
        retryAfterSeconds: 2,
      });
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else {
    running += 1;
  }
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}

/** Hashes that wait for others to end. */
export const waitingHashes = () => waiting.length;

/** @throws Problem `unavailable` when the server is hashing too many already */
export function hashPassword(password: string): Promise<string> {
  return inTurn(() =>
    Bun.password.hash(password, { algorithm: "argon2id", memoryCost: memoryCostKiB, timeCost }),
  );
}

let unknownUserHash: Promise<string> | undefined;

/**
 * Takes the same time whether or not there is such a user: without a hash it verifies against one that nothing matches.
 * @throws Problem `unavailable` when the server is hashing too many already
 */
export async function verifyPassword(password: string, hash: string | undefined): Promise<boolean> {
  unknownUserHash ??= hashPassword(crypto.randomUUID());
  const against = hash ?? (await unknownUserHash);
  const matches = await inTurn(() => Bun.password.verify(password, against));
  return matches && hash !== undefined;
}
