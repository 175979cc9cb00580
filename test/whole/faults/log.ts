// A chat's log as it was stored, by its numbers: what every frame is held against.
import type { Change, Frame, History, StoredChat, StoredMessage, View } from "./history.ts";

type Entry =
  | { kind: "message" | "answer_begun" | "answer_ended"; message: StoredMessage }
  | { kind: Exclude<Change["kind"], "answer_ended">; userId: number | null };

export interface Log {
  readonly lastSeq: number;
  /** That run at once. */
  readonly servers: number;
  isParticipant(userId: number): boolean;
  /** Whether somebody was in the chat when a number was written, or had been asked in again before they heard it. */
  mayHear(userId: number, number: number, at: number): boolean;
  /** The messages that are new or have changed above one number and up to another. */
  missed(afterSeq: number, lastSeq: number): Set<number>;
  chatChanged(afterSeq: number, lastSeq: number): boolean;
  /** Why a live frame is not what the log has under its number. */
  faultOf(number: number, frame: Frame): string | undefined;
  /** Why a replayed message is none of the log's, in its last state or an earlier one. */
  faultOfReplayed(frame: Frame): string | undefined;
  faultOfView(view: Map<number, View>): string | undefined;
}

export function createLog(history: History, chat: StoredChat): Log {
  const messages = new Map(chat.messages.map((message) => [message.id, message]));
  const entries = entriesOf(chat);
  const stays = staysOf(history, chat);

  return {
    lastSeq: chat.last_seq,
    servers: history.servers,
    isParticipant: (userId) => chat.participants.includes(userId),
    mayHear(userId, number, at) {
      const own = stays.get(userId) ?? [{ openedAt: -Infinity, until: Infinity }];
      return own.some((stay) => stay.openedAt <= at && number <= stay.until);
    },
    missed(afterSeq, lastSeq) {
      const isMissed = (number: number) => number > afterSeq && number <= lastSeq;
      const ids = chat.messages
        .filter(({ seq, updated_seq }) => isMissed(seq) || isMissed(updated_seq))
        .map((message) => message.id);
      return new Set(ids);
    },
    chatChanged: (afterSeq, lastSeq) =>
      chat.changes.some(
        ({ seq, message_id }) => message_id === null && seq > afterSeq && seq <= lastSeq,
      ),
    faultOf(number, frame) {
      const entry = entries.get(number);
      return entry ? faultOfLive(entry, frame) : "no such number";
    },
    faultOfReplayed(frame) {
      const message = messages.get(frame.message_id ?? 0);
      if (!message) return "no such message";
      if (frame.status === message.status) return faultOfMessage(message, frame);
      // It was streaming then and has ended since: what it had is part of what it has.
      if (frame.status !== "streaming" || !message.is_bot) return `status ${frame.status}`;
      if (frame.updated_seq !== message.seq) return `updated_seq ${frame.updated_seq}`;
      const begins = message.content.startsWith(frame.content ?? "");
      return begins ? undefined : "content";
    },
    faultOfView(view) {
      if (view.size !== chat.messages.length) {
        return `${view.size} messages instead of ${chat.messages.length}`;
      }
      const wrong = chat.messages.find((message) => {
        const shown = view.get(message.id);
        return (
          shown?.content !== message.content ||
          shown.status !== message.status ||
          shown.seq !== message.seq ||
          shown.updatedSeq !== message.updated_seq ||
          shown.clientId !== message.client_id
        );
      });
      return (
        wrong && `message ${wrong.id} is shown as ${JSON.stringify(view.get(wrong.id) ?? null)}`
      );
    },
  };
}

function entriesOf(chat: StoredChat): Map<number, Entry> {
  const entries = new Map<number, Entry>();
  for (const message of chat.messages) {
    entries.set(message.seq, { kind: message.is_bot ? "answer_begun" : "message", message });
    if (message.updated_seq !== message.seq) {
      entries.set(message.updated_seq, { kind: "answer_ended", message });
    }
  }
  for (const { kind, seq, user_id: userId } of chat.changes) {
    if (kind !== "answer_ended") entries.set(seq, { kind, userId });
  }
  return entries;
}

interface Stay {
  /** When the invitation was sent off: earlier nobody can have known of it. */
  openedAt: number;
  until: number;
}

/** When people were in the chat. Who is not in the map has been in it all the time. */
function staysOf(history: History, chat: StoredChat): Map<number, Stay[]> {
  const stays = new Map<number, Stay[]>();
  const changes = chat.changes.toSorted((a, b) => a.seq - b.seq);
  for (const { kind, seq, user_id: userId } of changes) {
    if (userId === null) continue;
    const isFirst = !stays.has(userId);
    const own = stays.getOrInsertComputed(userId, () => []);
    if (kind === "participant_removed") {
      if (isFirst) own.push({ openedAt: -Infinity, until: Infinity });
      const current = own.at(-1);
      if (current) current.until = seq;
    } else {
      const place = own.filter((stay) => stay.openedAt > -Infinity).length;
      const invitations = history.moves.filter(
        (move) =>
          move.chatId === chat.id && move.userId === userId && move.kind === "participant_added",
      );
      own.push({ openedAt: invitations[place]?.startedAt ?? Infinity, until: Infinity });
    }
  }
  return stays;
}

function faultOfLive(entry: Entry, frame: Frame): string | undefined {
  if (!("message" in entry)) {
    const userId = frame.type === "participant_added" ? frame.participant?.id : frame.user_id;
    if (frame.type !== entry.kind) return `the log has ${entry.kind}`;
    return (userId ?? null) === entry.userId ? undefined : "another person";
  }
  const { kind, message } = entry;
  if (kind === "message") {
    return frame.type === "message" ? faultOfMessage(message, frame) : `the log has ${kind}`;
  }
  if (frame.type !== "bot_stream" || frame.is_complete !== (kind === "answer_ended")) {
    return `the log has ${kind}`;
  }
  if (frame.message_id !== message.id) return "another message";
  if (kind === "answer_begun") {
    return frame.answer_to === message.answer_to ? undefined : "another question";
  }
  if (frame.full_response !== message.content) return "another text";
  return frame.status === message.status ? undefined : `status ${frame.status}`;
}

const compared = [
  "seq",
  "updated_seq",
  "user_id",
  "username",
  "content",
  "status",
  "client_id",
  "answer_to",
  "created_at",
] as const;

function faultOfMessage(message: StoredMessage, frame: Frame): string | undefined {
  if (frame.message_id !== message.id) return "another message";
  const wrong = compared.find((name) => frame[name] !== message[name]);
  return wrong && `${wrong} ${String(frame[wrong])} instead of ${String(message[wrong])}`;
}
