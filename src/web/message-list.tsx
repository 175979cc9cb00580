import { useMemo } from "preact/hooks";
import type { Room, RoomSnapshot } from "../client/client.ts";
import type { Message } from "../wire/messages.ts";
import type { User } from "../wire/users.ts";
import { Refusal, useAction, type Acting } from "./acting.tsx";
import { Icon } from "./icons.tsx";
import { mentionNames } from "./mentions.ts";
import { moveBetweenActions } from "./message-actions.tsx";
import { mayDelete, type MessageCommands } from "./message-commands.ts";
import { MessageRow, PendingRow } from "./message-row.tsx";
import type { Past } from "./past.ts";
import type { Reading } from "./reading.ts";
import { useRoomPeople } from "./room-people.ts";
import type { Scrolling } from "./scrolling.ts";
import { dayName, useToday } from "./times.ts";
import { usePlaces } from "./use-places.ts";
import { useReaders } from "./use-readers.ts";

/** The names that are highlighted as mentions. They are made anew only when somebody comes or goes. */
function useMentions({ participants }: RoomSnapshot, user: User) {
  return useMemo(
    () =>
      mentionNames(
        participants.map(({ username }) => username),
        user.username,
      ),
    [participants.map(({ id }) => id).join(), user.username],
  );
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

/** Loads a page of messages at an end of the list. */
function More({
  label,
  isLoading,
  action,
  onMore,
}: {
  label: string;
  isLoading: boolean;
  action: Acting;
  onMore: () => void;
}) {
  return (
    <p class="older">
      <button type="button" class="quiet" disabled={isLoading} onClick={onMore}>
        {isLoading ? "Loading…" : label}
      </button>
      <Refusal of={action} />
    </p>
  );
}

function ToNewest({ newCount, onNewest }: { newCount: number; onNewest: () => void }) {
  return (
    <button type="button" class="to-end" onClick={onNewest}>
      <Icon name="down" /> Newest
      {newCount > 0 && (
        <span class="unread">
          {newCount > 99 ? "99+" : newCount}
          <span class="visually-hidden"> new</span>
        </span>
      )}
    </button>
  );
}

type FindMessage = (id: number | null | undefined) => Message | undefined;

/** The messages of the list, with the days and the line above what is new. */
function MessageRows({
  snapshot,
  user,
  commands,
  deleting,
  reading: { newLine },
  mentions,
  find,
}: Pick<MessageListProps, "snapshot" | "user" | "commands" | "deleting" | "reading"> & {
  mentions: ReturnType<typeof useMentions>;
  /** Finds a message that is shown. */
  find: FindMessage;
}) {
  const { messages, hasOlder, chat, participants } = snapshot;
  const isModerator = participants.some(({ id, role }) => id === user.id && role === "moderator");
  const { names } = useRoomPeople();
  const readers = useReaders(snapshot, user.id, names);
  const lastId = messages.findLast((message) => message.deleted_at === null)?.id;
  const firstNew = newLine && firstAfter(messages, newLine.afterSeq, user.id, hasOlder);
  const places = usePlaces(messages);
  return messages.flatMap((message) => {
    const { before, isNewDay = false, continues = false } = places.get(message) ?? {};
    const question = find(message.answer_to);
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
        ownId={user.id}
        continues={continues}
        question={question === before ? undefined : question}
        original={find(message.reply_to)}
        readers={readers.get(message.id)}
        canDelete={mayDelete(message, question, user.id, {
          ownerId: chat?.owner_id,
          isModerator,
        })}
        isDeleting={deleting.has(message.id)}
        isTabStop={message.id === lastId}
        mentions={mentions}
        names={names}
        commands={commands}
      />,
    ];
  });
}

interface MessageListProps {
  room: Room;
  /** The part of the room that is shown. */
  snapshot: RoomSnapshot;
  user: User;
  commands: MessageCommands;
  /** The ids of messages that are about to be deleted. */
  deleting: ReadonlySet<number>;
  scrolling: Scrolling;
  past: Past;
  /** Leads to the newest messages. */
  onNewest: () => void;
  reading: Reading;
}

export function MessageList({
  room,
  snapshot,
  user,
  commands,
  deleting,
  scrolling,
  past,
  onNewest,
  reading,
}: MessageListProps) {
  const older = useAction();
  const newer = useAction();
  // "Today" becomes "Yesterday" at midnight, although nothing is written.
  useToday();
  const { messages, pending, hasOlder, loadingOlder } = snapshot;
  const mentions = useMentions(snapshot, user);
  const byId = new Map(messages.map((message) => [message.id, message]));
  const find: FindMessage = (id) => (id ? byId.get(id) : undefined);
  const { hasNewer } = past;
  const loadOlder = () => older.run(past.loadOlder);
  const loadNewer = () => newer.run(past.loadNewer);

  return (
    <div
      class="messages"
      role="region"
      aria-label="Messages"
      tabIndex={0}
      ref={scrolling.list}
      onScroll={() => {
        const { isNearStart, isNearEnd } = scrolling.scrolled();
        if (isNearStart && hasOlder && !loadingOlder && !older.problem) void loadOlder();
        if (isNearEnd && hasNewer && !past.isLoading && !newer.problem) void loadNewer();
      }}
    >
      {hasOlder && (
        <More label="Earlier messages" isLoading={loadingOlder} action={older} onMore={loadOlder} />
      )}
      <ol onKeyDown={(event) => moveBetweenActions(event, event.currentTarget)}>
        <MessageRows {...{ snapshot, user, commands, deleting, reading, mentions }} find={find} />
        {pending.map((each) => (
          <PendingRow
            key={each.client_id}
            pending={each}
            original={find(each.reply_to)}
            mentions={mentions}
            onRetry={room.retry}
            onDiscard={room.discard}
          />
        ))}
      </ol>
      {hasNewer && (
        <More label="Later messages" isLoading={past.isLoading} action={newer} onMore={loadNewer} />
      )}
      {(hasNewer || !scrolling.isAtEnd) && (
        <ToNewest newCount={reading.newCount} onNewest={onNewest} />
      )}
    </div>
  );
}
