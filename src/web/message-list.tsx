import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Room, RoomSnapshot } from "../client/client.ts";
import type { Message } from "../wire/messages.ts";
import { Refusal, useAction } from "./acting.tsx";
import { Icon } from "./icons.tsx";
import { MessageRow, PendingRow } from "./message-row.tsx";
import { dayOf } from "./times.ts";

/** Within this many pixels of its end, the list follows what is added. */
const endReach = 80;
/** Older messages are loaded before the reader has come to the first. */
const olderReach = 600;
/** Somebody who goes on within this time is not named again. */
const continuesMs = 5 * 60_000;

function continuesFrom(before: Message | undefined, message: Message): boolean {
  return (
    before !== undefined &&
    !message.is_bot &&
    before.user_id === message.user_id &&
    Date.parse(message.created_at) - Date.parse(before.created_at) < continuesMs
  );
}

function questionOf(answer: Message, before: Message | undefined, byId: Map<number, Message>) {
  if (answer.answer_to === null || before?.id === answer.answer_to) return undefined;
  return byId.get(answer.answer_to);
}

/**
 * Keeps the end in view while the reader is there, and what they read in its place when older messages come above it.
 */
function useScrolling(snapshot: RoomSnapshot) {
  const list = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const atEnd = useRef(true);
  const before = useRef<{ first: number | undefined; height: number }>({
    first: undefined,
    height: 0,
  });
  const first = snapshot.messages[0]?.id;

  function toEnd() {
    if (list.current) list.current.scrollTop = list.current.scrollHeight;
  }

  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return;
    if (atEnd.current) toEnd();
    else if (first !== before.current.first) {
      element.scrollTop += element.scrollHeight - before.current.height;
    }
    before.current = { first, height: element.scrollHeight };
  });
  // The keyboard of a phone, or a longer draft, takes room away from it.
  useEffect(() => {
    if (!list.current) return undefined;
    const observer = new ResizeObserver(() => atEnd.current && toEnd());
    observer.observe(list.current);
    return () => observer.disconnect();
  }, []);

  return {
    list,
    isAtEnd,
    goToEnd() {
      atEnd.current = true;
      setAtEnd(true);
      toEnd();
    },
    /** @returns whether the reader is near the beginning */
    scrolled(): boolean {
      const element = list.current;
      if (!element) return false;
      const { scrollTop, scrollHeight, clientHeight } = element;
      atEnd.current = scrollHeight - scrollTop - clientHeight < endReach;
      setAtEnd(atEnd.current);
      return scrollTop < olderReach;
    },
  };
}

export function MessageList({
  room,
  snapshot,
  ownId,
  scrolling,
}: {
  room: Room;
  snapshot: RoomSnapshot;
  ownId: number;
  scrolling: ReturnType<typeof useScrolling>;
}) {
  const older = useAction();
  const { messages, pending, hasOlder, loadingOlder } = snapshot;
  const byId = new Map(messages.map((message) => [message.id, message]));
  const loadOlder = () => older.run(() => room.loadOlder());

  return (
    <div
      class="messages"
      role="region"
      aria-label="Messages"
      tabIndex={0}
      ref={scrolling.list}
      onScroll={() => {
        if (scrolling.scrolled() && hasOlder && !loadingOlder && !older.problem) void loadOlder();
      }}
    >
      {hasOlder && (
        <p class="older">
          <button type="button" class="quiet" disabled={loadingOlder} onClick={loadOlder}>
            {loadingOlder ? "Loading…" : "Earlier messages"}
          </button>
          <Refusal of={older} />
        </p>
      )}
      <ol>
        {messages.flatMap((message, index) => {
          const before = messages[index - 1];
          const day = dayOf(message.created_at);
          const isNewDay = before === undefined || dayOf(before.created_at) !== day;
          return [
            isNewDay && (
              <li key={`day before ${message.id}`} class="day">
                {day}
              </li>
            ),
            <MessageRow
              key={message.id}
              message={message}
              isOwn={message.user_id === ownId}
              continues={!isNewDay && continuesFrom(before, message)}
              question={questionOf(message, before, byId)}
              onStop={room.stop}
              onAskAgain={room.regenerate}
            />,
          ];
        })}
        {pending.map((each) => (
          <PendingRow
            key={each.client_id}
            pending={each}
            onRetry={room.retry}
            onDiscard={room.discard}
          />
        ))}
      </ol>
      {!scrolling.isAtEnd && (
        <button type="button" class="to-end" onClick={scrolling.goToEnd}>
          <Icon name="down" /> Newest
        </button>
      )}
    </div>
  );
}

export { useScrolling };
