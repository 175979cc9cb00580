// The names under which people are shown: what the page knows of them, or else what a list or a message says.
import { useEffect, useMemo } from "preact/hooks";
import type { Participant } from "../wire/chats.ts";
import { deletedUsername } from "../wire/deleted-username.ts";
import { useSnapshot } from "./observing.ts";
import { usePageParts } from "./page-parts.ts";

/**
 * The display names, or else the usernames, of a room's people, and of those who have deleted their account, by their ids: the same
 * object until one changes.
 */
export function useNamesIn(
  chatId: number,
  participants: readonly Participant[],
): ReadonlyMap<number, string> {
  const { people } = usePageParts();
  const known = useSnapshot(people).people;
  useEffect(() => people.note(participants), [people, participants]);
  useEffect(() => people.follow(chatId), [people, chatId]);
  const names = participants.map(({ id, username, display_name }): [number, string] => {
    const person = known.get(id);
    return [id, (person ? person.display_name : display_name) ?? username];
  });
  // They are in no room any more; what they wrote is shown under this name at once, not when it is loaded again.
  for (const { id, username } of known.values()) {
    if (username === deletedUsername) names.push([id, username]);
  }
  return useMemo(() => new Map(names), [JSON.stringify(names)]);
}

/** The display name of a person, as far as it is known. */
export function useNameOf(userId: number | undefined, username: string): string {
  const known = useSnapshot(usePageParts().people).people;
  const person = userId === undefined ? undefined : known.get(userId);
  return person?.display_name ?? person?.username ?? username;
}

/** Loads the names of authors whom the page does not know yet. */
export function useAuthors(userIds: readonly (number | null)[]): void {
  const { people } = usePageParts();
  const ids = [...new Set(userIds.filter((id) => id !== null))];
  useEffect(() => void people.load(ids), [people, ids.join()]);
}

/** Whether the person has blocked somebody. */
export function useIsBlocked(userId: number | undefined): boolean {
  const { blockedIds } = useSnapshot(usePageParts().people);
  return userId !== undefined && blockedIds.has(userId);
}
