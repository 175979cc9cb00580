// The readers of one's own messages, from the read positions of a room.
import type { RoomSnapshot } from "../client/client.ts";
import type { Message } from "../wire/messages.ts";

/** In larger rooms the server sends no read positions: readers are requested. */
const liveReadsMembersMax = 100;
export interface Readers {
  /** In the order of the participants. Undefined in a large room, where they have to be requested. */
  names: readonly string[] | undefined;
  isEverybody: boolean;
}

/**
 * Finds the people who have read a message: those who came before it and have read up to it or further.
 * @param shownNames by user id; people who are not among them are called by their usernames
 */
export function readersOf(
  message: Pick<Message, "seq" | "user_id">,
  { reads, participants }: Pick<RoomSnapshot, "reads" | "participants">,
  shownNames: ReadonlyMap<number, string> = new Map(),
): Readers {
  if (participants.length > liveReadsMembersMax) return { names: undefined, isEverybody: false };
  const ids = new Set(
    reads
      .filter(({ last_read_seq, joined_seq }) => {
        return last_read_seq >= message.seq && joined_seq < message.seq;
      })
      .map(({ user_id }) => user_id),
  );
  const others = participants.filter(({ id }) => id !== message.user_id);
  const readers = others.filter(({ id }) => ids.has(id));
  return {
    names: readers.map(({ id, username }) => shownNames.get(id) ?? username),
    isEverybody: readers.length > 0 && readers.length === others.length,
  };
}
