import type { Room, RoomSnapshot } from "../client/client.ts";
import type { Message } from "../wire/messages.ts";
import { Refusal, useAction } from "./acting.tsx";
import { Icon } from "./icons.tsx";
import { MessageRow, PendingRow } from "./message-row.tsx";
import type { Reading } from "./reading.ts";
import type { Scrolling } from "./scrolling.ts";
import { calendarDay, dayName, useToday } from "./times.ts";
import { useReaders } from "./use-readers.ts";

/** Consecutive messages of one person within this time have one heading with the name. */
const continuesMs = 5 * 60_000;

function continuesFrom(before: Message | undefined, message: Message): boolean {
  return (
    before !== undefined &&
    !message.is_bot &&
    before.user_id === message.user_id &&
    Date.parse(message.created_at) - Date.parse(before.created_at) < continuesMs
  );
}

function isSameDay(one: Message, other: Message): boolean {
  return calendarDay(new Date(one.created_at)) === calendarDay(new Date(other.created_at));
}

function questionOf(answer: Message, before: Message | undefined, byId: Map<number, Message>) {
  if (answer.answer_to === null || before?.id === answer.answer_to) return undefined;
  return byId.get(answer.answer_to);
}

/** The first message of others above a number; undefined while older messages that may be above it are not loaded. */
function firstAfter(
  messages: readonly Message[],
  afterSeq: number,
  ownId: number,
  hasOlder: boolean,
): Message | undefined {
  if (hasOlder && (messages[0]?.seq ?? 0) > afterSeq) return undefined;
  return messages.find(({ seq, user_id }) => seq > afterSeq && user_id !== ownId);
}

export function MessageList({
  room,
  snapshot,
  ownId,
  scrolling,
  reading,
}: {
  room: Room;
  snapshot: RoomSnapshot;
  ownId: number;
  scrolling: Scrolling;
  reading: Reading;
}) {
  const older = useAction();
  // "Today" becomes "Yesterday" at midnight, although nothing is written.
  useToday();
  const { messages, pending, hasOlder, loadingOlder } = snapshot;
  const byId = new Map(messages.map((message) => [message.id, message]));
  const loadOlder = () => older.run(() => room.loadOlder());
  const readers = useReaders(snapshot, ownId);
  const { newLine, newCount } = reading;
  const firstNew = newLine && firstAfter(messages, newLine.afterSeq, ownId, hasOlder);

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
          const isNewDay = before === undefined || !isSameDay(before, message);
          return [
            isNewDay && (
              <li key={`day before ${message.id}`} class="day">
                {dayName(message.created_at)}
              </li>
            ),
            message === firstNew && (
              <li key="new" class="new-line" data-start={newLine?.isStart || undefined}>
                New messages
              </li>
            ),
            <MessageRow
              key={message.id}
              message={message}
              isOwn={message.user_id === ownId}
              continues={!isNewDay && continuesFrom(before, message)}
              question={questionOf(message, before, byId)}
              readers={readers.get(message.id)}
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
          {newCount > 0 && (
            <span class="unread">
              {newCount > 99 ? "99+" : newCount}
              <span class="visually-hidden"> new</span>
            </span>
          )}
        </button>
      )}
    </div>
  );
}
