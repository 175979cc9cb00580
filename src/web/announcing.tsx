// A room's announcements to screen readers: each message once, an answer when it begins and when it is complete, and edits of
// others, gathered for some seconds. An answer's chunks are not announced.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Message } from "../wire/messages.ts";
import { textOrNames } from "./message-text.ts";
import { useRoomPeople } from "./room-people.ts";

/** If more messages arrive at once, only their number is announced. */
const tellMax = 3;
const keptMax = 10;
const charactersMax = 600;
/** Edits are gathered for so long: somebody who mends a message often does it twice. */
const editsMs = 3_000;

interface Told {
  id: number;
  words: string;
}

/** The names that the reader sees, and whose messages are folded. */
type RoomPeople = Pick<ReturnType<typeof useRoomPeople>, "nameOf" | "isBlocked">;

const wordsOf = (message: Message, { nameOf }: RoomPeople) =>
  `${nameOf(message)}: ${textOrNames(message).slice(0, charactersMax)}`;

type Tell = (words: readonly string[]) => void;

/** The words of the last announcements, and the function that adds some. */
function useLog(): [told: readonly Told[], tell: Tell] {
  const count = useRef(0);
  const [told, setTold] = useState<readonly Told[]>([]);
  const tell = (words: readonly string[]) => {
    if (words.length === 0) return;
    const next = words.map((each) => ({ id: (count.current += 1), words: each }));
    setTold((all) => [...all, ...next].slice(-keptMax));
  };
  return [told, tell];
}

/** Tells of new messages and of answers that have ended. */
function useNews(messages: readonly Message[], ownId: number, tell: Tell): void {
  const people = useRoomPeople();
  const known = useRef<Map<number, string>>(undefined);
  useEffect(() => {
    const before = known.current;
    known.current = new Map(messages.map(({ id, status }) => [id, status]));
    // Messages that existed when the room was opened are not announced.
    if (!before) return;
    const newest = Math.max(...before.keys());
    const fresh = messages.filter(
      (message) =>
        message.id > newest &&
        message.user_id !== ownId &&
        message.deleted_at === null &&
        !people.isBlocked(message),
    );
    const ended = messages.filter(
      ({ id, status, deleted_at }) =>
        before.get(id) === "streaming" && status !== "streaming" && deleted_at === null,
    );
    const words =
      fresh.length > tellMax
        ? [`${fresh.length} new messages`]
        : fresh.map((message) =>
            message.status === "streaming"
              ? `${people.nameOf(message)} is answering`
              : wordsOf(message, people),
          );
    tell([...words, ...ended.map((message) => wordsOf(message, people))]);
  }, [messages]);
}

/** Tells of messages that others have edited, as they are when some time has passed. */
function useEdits(messages: readonly Message[], ownId: number, tell: Tell): void {
  const people = useRoomPeople();
  const known = useRef(new Map<number, string | null>());
  const edited = useRef(new Set<number>());
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const shown = useRef({ messages, people });
  function tellEdits() {
    timer.current = undefined;
    const found = shown.current.messages.filter(
      (message) =>
        edited.current.has(message.id) &&
        message.deleted_at === null &&
        !shown.current.people.isBlocked(message),
    );
    edited.current.clear();
    tell(
      found.length > tellMax
        ? [`${found.length} messages were edited`]
        : found.map((message) => `Edited: ${wordsOf(message, shown.current.people)}`),
    );
  }
  useEffect(() => {
    shown.current = { messages, people };
    for (const { id, user_id, edited_at } of messages) {
      const before = known.current.get(id);
      known.current.set(id, edited_at);
      const isEdited = before !== undefined && edited_at !== null && before !== edited_at;
      if (isEdited && user_id !== ownId) edited.current.add(id);
    }
    if (edited.current.size > 0) timer.current ??= setTimeout(tellEdits, editsMs);
  }, [messages]);
  useEffect(() => () => clearTimeout(timer.current), []);
}

export function Announcements({
  messages,
  ownId,
}: {
  messages: readonly Message[];
  ownId: number;
}) {
  const [told, tell] = useLog();
  useNews(messages, ownId, tell);
  useEdits(messages, ownId, tell);
  return (
    <div class="visually-hidden" role="log" aria-label="News of this room">
      {told.map(({ id, words }) => (
        <p key={id}>{words}</p>
      ))}
    </div>
  );
}
