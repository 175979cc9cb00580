import { useRef } from "preact/hooks";
import type { RoomSnapshot } from "../client/client.ts";
import { readersOf, type Readers } from "./readers.ts";

/** Own messages, from the newest on, whose readers are shown. */
const messagesMax = 20;

const keyOf = ({ names, isEverybody }: Readers) => `${isEverybody} ${names?.join() ?? "?"}`;

/**
 * The readers of one's own newest messages, by message id: of the newest one, and of each that has other readers than the
 * next. An entry is replaced only when it has changed, so that the other rows are not drawn again.
 */
export function useReaders(
  snapshot: RoomSnapshot,
  ownId: number,
  names: ReadonlyMap<number, string>,
): ReadonlyMap<number, Readers> {
  const before = useRef<ReadonlyMap<number, Readers>>(new Map());
  const shown = new Map<number, Readers>();
  const { messages, participants } = snapshot;
  const own =
    participants.length > 1
      ? messages.filter(({ user_id, deleted_at }) => user_id === ownId && deleted_at === null)
      : [];
  let key = "";
  for (const message of own.slice(-messagesMax).toReversed()) {
    const readers = readersOf(message, snapshot, names);
    if (keyOf(readers) === key) continue;
    key = keyOf(readers);
    const held = before.current.get(message.id);
    shown.set(message.id, held && keyOf(held) === key ? held : readers);
  }
  before.current = shown;
  return shown;
}
