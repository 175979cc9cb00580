// People who change their display names, one change after the other, and the check of what is stored of them.
import type { History, ProfileChange, Violation } from "./history.ts";
import type { Person } from "./people.ts";
import type { Random } from "./random.ts";

interface ChangeParts {
  person: Person;
  profiles: ProfileChange[];
  retryMsMax: number;
  givenUpMs: number;
  onIncident: (words: string) => void;
}

/** Changes a name: tries until it is acknowledged. */
export async function changeName(parts: ChangeParts, random: Random, name: string): Promise<void> {
  const change: ProfileChange = {
    userId: parts.person.id,
    name,
    isDone: false,
    maybeStored: false,
  };
  parts.profiles.push(change);
  const begun = performance.now();
  for (;;) {
    const reply = await parts.person.api("PATCH", "/api/auth/me", { display_name: name });
    if (reply?.status === 200) {
      change.isDone = true;
      return;
    }
    change.maybeStored = true;
    if (reply && reply.status < 500) {
      return parts.onIncident(`a display name was answered with ${JSON.stringify(reply)}`);
    }
    if (performance.now() - begun > parts.givenUpMs) {
      return parts.onIncident(`the display name ${name} was given up`);
    }
    await Bun.sleep(random.int(1, parts.retryMsMax));
  }
}

/** The stored name is the one that was acknowledged last, or one of a try whose outcome nobody knows, and the search finds it. */
export function checkProfiles({ profiles, names }: History): Violation[] {
  const found: Violation[] = [];
  for (const [userId, changes] of Map.groupBy(profiles, (change) => change.userId)) {
    const last = changes.findLast(({ isDone }) => isDone);
    if (!last) continue;
    const stored = names.get(userId);
    const possible = changes.filter((change) => change === last || change.maybeStored);
    if (!stored || !possible.some(({ name }) => name === stored.displayName)) {
      const detail = `person ${userId}: ${last.name} was acknowledged, ${stored?.displayName} is stored`;
      found.push({ rule: "acknowledged but not stored", detail });
    } else if (!stored.parts.includes(stored.displayName.toLowerCase())) {
      const detail = `person ${userId}: ${stored.displayName} is found by ${stored.parts.join()}`;
      found.push({ rule: "name not found", detail });
    }
  }
  return found;
}
