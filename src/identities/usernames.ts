// Usernames for people who come from a provider and have not chosen one.
import { isReservedUsername } from "../wire/mentions.ts";
import { Username } from "../wire/users.ts";

const triesPerLength = 2;
const digitsMax = 6;
const lengthMax = 32;
const hintMax = 100;
const fallback = "user";

/**
 * Names to try one after the other: the best hint as it is, and then with more and more random digits, since it may be taken or may belong
 * to a deleted account. All of them are allowed names.
 */
export function* candidateUsernames(hints: readonly string[]): Generator<string> {
  const names = hints.map(plainName).filter((name) => name !== undefined);
  yield* names.slice(0, 1);
  const base = names[0] ?? fallback;
  for (let digits = 2; digits <= digitsMax; digits += 1) {
    for (let n = 0; n < triesPerLength; n += 1)
      yield base.slice(0, lengthMax - digits) + randomDigits(digits);
  }
}

/** A text as a username: without accents, and with `.` for what separates its words. */
function plainName(hint: string): string | undefined {
  const name = hint
    .slice(0, hintMax)
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .trim()
    .replaceAll(/\s+/g, ".")
    .replaceAll(/[^A-Za-z0-9_.-]/g, "")
    .slice(0, lengthMax)
    .replaceAll(/^[_.-]+|[_.-]+$/g, "");
  return Username.safeParse(name).success && !isReservedUsername(name) ? name : undefined;
}

function randomDigits(count: number): string {
  const [number = 0] = crypto.getRandomValues(new Uint32Array(1));
  return String(number % 10 ** count).padStart(count, "0");
}
