// The names of the people in the open room, and the people whom the reader has blocked, for every part of the room.
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Message } from "../wire/messages.ts";

export interface RoomPeople {
  /** Display names, or else usernames, by user id. */
  readonly names: ReadonlyMap<number, string>;
  readonly blockedIds: ReadonlySet<number>;
  /** Opens a person's card. */
  readonly onPerson: (userId: number) => void;
}

export const RoomPeopleContext = createContext<RoomPeople>({
  names: new Map(),
  blockedIds: new Set(),
  onPerson: () => undefined,
});

type Author = Pick<Message, "user_id" | "username">;

export interface KnownAuthors extends RoomPeople {
  /** Somebody who has left the room is shown under their username. */
  nameOf(author: Author): string;
  isBlocked(author: Author): boolean;
}

export function useRoomPeople(): KnownAuthors {
  const people = useContext(RoomPeopleContext);
  return {
    ...people,
    nameOf: ({ user_id, username }) =>
      (user_id === null ? undefined : people.names.get(user_id)) ?? username,
    isBlocked: ({ user_id }) => user_id !== null && people.blockedIds.has(user_id),
  };
}
