// How far the person has read in the open room: marking as read, the line above what is new, and the number of new messages.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ChatList } from "../client/chat-list.ts";
import type { Room, RoomSnapshot } from "../client/client.ts";
import type { Message } from "../wire/messages.ts";
import type { Scrolling } from "./scrolling.ts";

/** A line above the first message of others with a number above `afterSeq`. */
export interface NewLine {
  afterSeq: number;
  /** The room was opened with it: the reader begins there. */
  isStart: boolean;
}

export interface Reading {
  newLine: NewLine | undefined;
  /** Messages of others that the person has not seen. */
  newCount: number;
  /** Everything that was there is old now, because the person has answered. */
  endNewLine: () => void;
}

const isLookedAt = () => document.visibilityState === "visible" && document.hasFocus();

/** Whether the page is visible and has the focus. */
function useLookedAt(): boolean {
  const [isLooking, setLooking] = useState(isLookedAt);
  useEffect(() => {
    const follow = () => setLooking(isLookedAt());
    follow();
    document.addEventListener("visibilitychange", follow);
    addEventListener("focus", follow);
    addEventListener("blur", follow);
    return () => {
      document.removeEventListener("visibilitychange", follow);
      removeEventListener("focus", follow);
      removeEventListener("blur", follow);
    };
  }, []);
  return isLooking;
}

function countNew(messages: readonly Message[], ownId: number, readTo: number): number {
  let count = 0;
  for (let index = messages.length - 1; index >= 0; index -= 1) {
    const message = messages[index];
    if (!message || message.seq <= readTo) break;
    if (message.user_id !== ownId) count += 1;
  }
  return count;
}

/** Marks the newest message as read while it is visible and the person is looking at the page. */
export function useReading(
  room: Room,
  chats: ChatList,
  snapshot: RoomSnapshot,
  scrolling: Scrolling,
  ownId: number,
): Reading {
  const { messages, reads, state } = snapshot;
  const isLooking = useLookedAt();
  const [newLine, setNewLine] = useState<NewLine>();
  const [newCount, setNewCount] = useState(0);
  const [isOpened, setOpened] = useState(false);
  const known = useRef({ readTo: 0, newest: 0 });
  const marked = useRef(Promise.resolve());
  const newest = messages.at(-1)?.seq ?? 0;
  const storedTo = reads.find(({ user_id }) => user_id === ownId)?.last_read_seq ?? 0;

  // The part in view is known when the messages have their places.
  useLayoutEffect(() => {
    if (!isOpened) {
      if (state !== "live") return;
      if (countNew(messages, ownId, storedTo) > 0) {
        setNewLine({ afterSeq: storedTo, isStart: true });
      }
      known.current = { readTo: storedTo, newest };
      return setOpened(true);
    }
    const before = known.current;
    const readTo = Math.max(before.readTo, storedTo);
    const isReading = isLooking && scrolling.isEndInView();
    if (isReading) marked.current = room.markRead(newest);
    else if (newest > before.newest && countNew(messages, ownId, before.newest) > 0) {
      const isFirstNew =
        countNew(messages, ownId, readTo) === countNew(messages, ownId, before.newest);
      if (isFirstNew) setNewLine({ afterSeq: readTo, isStart: false });
    }
    known.current = { readTo: isReading ? newest : readTo, newest };
    setNewCount(countNew(messages, ownId, known.current.readTo));
  }, [room, state, newest, storedTo, isLooking, isOpened, scrolling.isAtEnd]);
  // The server counts what is unread in the list.
  useEffect(() => () => void marked.current.then(chats.refresh), []);

  return { newLine, newCount, endNewLine: () => setNewLine(undefined) };
}
