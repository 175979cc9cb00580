// OWASP Password Storage Cheat Sheet: argon2id with at least 19 MiB, 2 passes, 1 lane. A hash takes about 40 ms of a
// core and 19 MiB, so only a few run at once, and only so many may wait.
import { Problem } from "../wire/problems.ts";
import { createTurns } from "./semaphore.ts";

const memoryCostKiB = 19_456;
const timeCost = 2;
/** bcrypt uses no more of a password, and the servers whose hashes are imported cut it there. */
const bcryptBytesMax = 72;

const inTurn = createTurns({
  runningMax: 2,
  waitingMax: 200,
  refusal: () =>
    new Problem("unavailable", "Too many people are signing in. Try again in a moment.", {
      retryAfterSeconds: 2,
    }),
});

/** Hashes that wait for others to end. */
export const waitingHashes = () => inTurn.waitingCount();

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
  // For those who are there, too: otherwise the first unknown user would wait for two hashes.
  const nobody = await hashOfNobody();
  const against = hash ?? nobody;
  const matches = await inTurn(() => Bun.password.verify(hashedPart(password, against), against));
  return matches && hash !== undefined;
}

/** Bun itself would replace a password that is too long for bcrypt by its SHA-512. */
function hashedPart(password: string, hash: string): string | Uint8Array {
  if (!/^\$2[aby]\$/.test(hash)) return password;
  return new TextEncoder().encode(password).subarray(0, bcryptBytesMax);
}

async function hashOfNobody(): Promise<string> {
  unknownUserHash ??= hashPassword(crypto.randomUUID());
  try {
    return await unknownUserHash;
  } catch (error) {
    // It was refused: the next one tries again.
    unknownUserHash = undefined;
    throw error;
  }
}

/** Whether a stored hash costs an attacker less than one that is made now: another algorithm, less memory, fewer passes. */
export function isWeakHash(hash: string): boolean {
  const [, memory, time] = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=\d+\$/.exec(hash) ?? [];
  return !(Number(memory) >= memoryCostKiB && Number(time) >= timeCost);
}
