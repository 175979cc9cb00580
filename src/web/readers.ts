// Who has read one's own messages, from the read positions of a room.
import { useRef } from "preact/hooks";
import type { RoomSnapshot } from "../client/client.ts";
import type { Message } from "../wire/messages.ts";

/** In larger rooms the server sends no read positions: readers are requested. */
const liveReadsMembersMax = 100;
/** Own messages, from the newest on, whose readers are shown. */
const messagesMax = 20;

export interface Readers {
  /** Usernames, in the order of the participants. Undefined in a large room, where they have to be requested. */
  names: readonly string[] | undefined;
  isEverybody: boolean;
}

/** Finds the people who have read a message: those who came before it and have read up to it or further. */
export function readersOf(
  message: Message,
  { reads, participants }: Pick<RoomSnapshot, "reads" | "participants">,
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
    names: readers.map(({ username }) => username),
    isEverybody: readers.length > 0 && readers.length === others.length,
  };
}

const keyOf = ({ names, isEverybody }: Readers) => `${isEverybody} ${names?.join() ?? "?"}`;

/**
 * The readers of one's own newest messages, by message id: of the newest one, and of each that has other readers than the
 * next. An entry is replaced only when it has changed, so that the other rows are not drawn again.
 */
export function useReaders(snapshot: RoomSnapshot, ownId: number): ReadonlyMap<number, Readers> {
  const before = useRef<ReadonlyMap<number, Readers>>(new Map());
  const shown = new Map<number, Readers>();
  const { messages, participants } = snapshot;
  const own =
    participants.length > 1
      ? messages.filter(({ user_id, deleted_at }) => user_id === ownId && deleted_at === null)
      : [];
  let key = "";
  for (const message of own.slice(-messagesMax).toReversed()) {
    const readers = readersOf(message, snapshot);
    if (keyOf(readers) === key) continue;
    key = keyOf(readers);
    const held = before.current.get(message.id);
    shown.set(message.id, held && keyOf(held) === key ? held : readers);
  }
  before.current = shown;
  return shown;
}
