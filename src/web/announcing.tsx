// A room's announcements to screen readers: each message once, an answer when it begins and when it is complete. Its
// chunks are not announced.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Message } from "../wire/messages.ts";
import { textOrNames } from "./message-text.ts";

/** If more messages arrive at once, only their number is announced. */
const tellMax = 3;
const keptMax = 10;
const charactersMax = 600;

interface Told {
  id: number;
  words: string;
}

function wordsOf(message: Message): string {
  return `${message.username}: ${textOrNames(message).slice(0, charactersMax)}`;
}

function useTold(messages: readonly Message[], ownId: number): readonly Told[] {
  const known = useRef<Map<number, string>>(undefined);
  const count = useRef(0);
  const [told, setTold] = useState<readonly Told[]>([]);
  useEffect(() => {
    const before = known.current;
    known.current = new Map(messages.map(({ id, status }) => [id, status]));
    // Messages that existed when the room was opened are not announced.
    if (!before) return;
    const newest = Math.max(...before.keys());
    const fresh = messages.filter(
      ({ id, user_id, deleted_at }) => id > newest && user_id !== ownId && deleted_at === null,
    );
    const ended = messages.filter(
      ({ id, status, deleted_at }) =>
        before.get(id) === "streaming" && status !== "streaming" && deleted_at === null,
    );
    const words =
      fresh.length > tellMax
        ? [`${fresh.length} new messages`]
        : fresh.map((message) =>
            message.status === "streaming" ? `${message.username} is answering` : wordsOf(message),
          );
    words.push(...ended.map(wordsOf));
    if (words.length === 0) return;
    const next = words.map((each) => ({ id: (count.current += 1), words: each }));
    setTold((all) => [...all, ...next].slice(-keptMax));
  }, [messages]);
  return told;
}

export function Announcements({
  messages,
  ownId,
}: {
  messages: readonly Message[];
  ownId: number;
}) {
  const told = useTold(messages, ownId);
  return (
    <div class="visually-hidden" role="log" aria-label="News of this room">
      {told.map(({ id, words }) => (
        <p key={id}>{words}</p>
      ))}
    </div>
  );
}
