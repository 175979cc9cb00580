// The names under which people are shown: what the page knows of them, or else what a list or a message says.
import { useEffect, useMemo } from "preact/hooks";
import type { Participant } from "../wire/chats.ts";
import { useSnapshot } from "./observing.ts";
import { usePageParts } from "./page-parts.ts";

/** The display names, or else the usernames, of a room's people by their ids: the same object until one changes. */
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
  return useMemo(() => new Map(names), [JSON.stringify(names)]);
}

/** The display name of a person, as far as it is known. */
export function useNameOf(userId: number | undefined, username: string): string {
  const known = useSnapshot(usePageParts().people).people;
  return (userId === undefined ? null : known.get(userId)?.display_name) ?? username;
}

/** Whether the person has blocked somebody. */
export function useIsBlocked(userId: number | undefined): boolean {
  const { blockedIds } = useSnapshot(usePageParts().people);
  return userId !== undefined && blockedIds.has(userId);
}
