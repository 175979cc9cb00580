// A chat's log as it was stored, by its numbers: what every frame is held against.
import type { Reaction } from "../../../src/wire/messages.ts";
import { isReaction, reactionsAt } from "./check-reactions.ts";
import { statesOf, type States } from "./states.ts";
import type { Change, Frame, History, StoredChat, StoredMessage, View } from "./history.ts";

type Entry =
  | {
      kind: "message" | "answer_begun" | "answer_ended" | "message_updated";
      message: StoredMessage;
      states: States;
    }
  | { kind: "reaction"; change: Change }
  | {
      kind: Exclude<
        Change["kind"],
        "answer_ended" | "message_updated" | "reaction_added" | "reaction_removed"
      >;
      userId: number | null;
    };

export interface Log {
  readonly lastSeq: number;
  /** The number of servers that run at once. */
  readonly servers: number;
  isParticipant(userId: number): boolean;
  /** Whether somebody was in the chat when a number was written, or had been asked in again before they heard it. */
  mayHear(userId: number, number: number, at: number): boolean;
  /** The messages that are new or have changed above one number and up to another. */
  missed(afterSeq: number, lastSeq: number): Set<number>;
  chatChanged(afterSeq: number, lastSeq: number): boolean;
  isDeleted(messageId: number): boolean;
  /** The difference between a live frame and what the log has under its number, in words; undefined for none. */
  faultOf(number: number, frame: Frame): string | undefined;
  /** The difference between a replayed message and all states that it has in the log, in words; undefined for none. */
  faultOfReplayed(frame: Frame): string | undefined;
  faultOfView(view: Map<number, View>): string | undefined;
}

export function createLog(history: History, chat: StoredChat): Log {
  const messages = new Map(chat.messages.map((message) => [message.id, message]));
  const states = statesOf(history, chat);
  const entries = entriesOf(chat, states);
  const stays = staysOf(history, chat);
  const changes = Map.groupBy(chat.changes, (change) => change.message_id);

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
      const isChanged = ({ id }: StoredMessage) => states.get(id)?.numbers.some(isMissed);
      return new Set(chat.messages.filter(isChanged).map((message) => message.id));
    },
    isDeleted: (messageId) => (messages.get(messageId)?.deleted_at ?? null) !== null,
    chatChanged: (afterSeq, lastSeq) =>
      chat.changes.some(
        ({ seq, message_id }) => message_id === null && seq > afterSeq && seq <= lastSeq,
      ),
    faultOf(number, frame) {
      const entry = entries.get(number);
      if (!entry) return "no such number";
      const fault = faultOfLive(entry, number, frame);
      if (fault !== undefined || !frame.type.startsWith("message") || !("message" in entry))
        return fault;
      const own = changes.get(entry.message.id) ?? [];
      return faultOfLiveReactions(reactionsAt(entry.message, own, number), frame);
    },
    faultOfReplayed(frame) {
      const message = messages.get(frame.message_id ?? 0);
      const own = states.get(frame.message_id ?? 0);
      if (!message || !own) return "no such message";
      const { updated_seq: number = 0, content = "" } = frame;
      if (!own.hasAt(number, content)) return `content ${content} at ${number}`;
      const status = message.is_bot && number < own.endedAt ? "streaming" : message.status;
      const reactions = reactionsAt(message, changes.get(message.id) ?? [], number);
      if (reactions && !Bun.deepEquals(frame.reactions, reactions)) {
        return `reactions ${JSON.stringify(frame.reactions)}`;
      }
      return faultOfMessage({ ...message, status }, frame);
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
          shown.clientId !== message.client_id ||
          !Bun.deepEquals(shown.reactions, message.reactions)
        );
      });
      return (
        wrong && `message ${wrong.id} is shown as ${JSON.stringify(view.get(wrong.id) ?? null)}`
      );
    },
  };
}

function entriesOf(chat: StoredChat, states: Map<number, States>): Map<number, Entry> {
  const entries = new Map<number, Entry>();
  const messages = new Map(chat.messages.map((message) => [message.id, message]));
  const add = (number: number, kind: Extract<Entry, { states: States }>["kind"], id: number) => {
    const [message, own] = [messages.get(id), states.get(id)];
    if (message && own) entries.set(number, { kind, message, states: own });
  };
  for (const { id, seq, is_bot } of chat.messages)
    add(seq, is_bot ? "answer_begun" : "message", id);
  for (const change of chat.changes) {
    const { kind, seq, message_id: id, user_id: userId } = change;
    if (kind === "reaction_added" || kind === "reaction_removed") {
      entries.set(seq, { kind: "reaction", change });
    } else if (kind === "answer_ended" || kind === "message_updated") add(seq, kind, id ?? 0);
    else entries.set(seq, { kind, userId });
  }
  return entries;
}

interface Stay {
  /** When the invitation was sent off: earlier nobody can have known of it. */
  openedAt: number;
  until: number;
}

/** The times at which people were in the chat. People who are not in the map have been in it all the time. */
function staysOf(history: History, chat: StoredChat): Map<number, Stay[]> {
  const stays = new Map<number, Stay[]>();
  const changes = chat.changes
    .filter((change) => !isReaction(change))
    .toSorted((a, b) => a.seq - b.seq);
  for (const { kind, seq, user_id: userId } of changes) {
    if (userId === null || kind === "participant_updated") continue;
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

function faultOfLive(entry: Entry, number: number, frame: Frame): string | undefined {
  if (entry.kind === "reaction") return faultOfReaction(entry.change, frame);
  if (!("message" in entry)) {
    const userId = frame.participant?.id ?? frame.user_id;
    if (frame.type !== entry.kind) return `the log has ${entry.kind}`;
    return (userId ?? null) === entry.userId ? undefined : "another person";
  }
  const { kind, message, states } = entry;
  // The log has forgotten what was a reaction to a message that was deleted since.
  const isErased = kind === "message_updated" && message.deleted_at !== null;
  if (isErased && frame.type === "reaction" && frame.message_id === message.id) return undefined;
  if (kind === "message" || kind === "message_updated") {
    if (frame.type !== kind) return `the log has ${kind}`;
    if (!states.hasSince(number, frame.content ?? "")) return `content ${frame.content}`;
    return faultOfMessage(message, frame);
  }
  if (frame.type !== "bot_stream" || frame.is_complete !== (kind === "answer_ended")) {
    return `the log has ${kind}`;
  }
  if (frame.message_id !== message.id) return "another message";
  if (kind === "answer_begun") {
    return frame.answer_to === message.answer_to ? undefined : "another question";
  }
  if (!states.hasSince(number, frame.full_response ?? "")) return "another text";
  return frame.status === message.status ? undefined : `status ${frame.status}`;
}

/**
 * A live frame has the reactions as of its number, whenever it was made: those that follow have frames of their own. Whoever takes
 * a reaction back later may stand elsewhere in it.
 */
function faultOfLiveReactions(stored: Reaction[] | undefined, frame: Frame): string | undefined {
  const sorted = (reactions: readonly Reaction[]) =>
    reactions
      .map(({ emoji, count, user_ids: ids }) => `${emoji} ${count} ${ids.toSorted().join()}`)
      .toSorted();
  const fits = !stored || Bun.deepEquals(sorted(frame.reactions ?? []), sorted(stored));
  return fits ? undefined : `reactions ${JSON.stringify(frame.reactions)}`;
}

function faultOfReaction(change: Change, frame: Frame): string | undefined {
  const { kind, message_id, user_id, emoji, emoji_count: count } = change;
  if (frame.type !== "reaction") return "the log has a reaction";
  const on = kind === "reaction_added";
  const fits = Bun.deepEquals({ ...frame, message_id, user_id, emoji, count, on }, frame);
  return fits ? undefined : "another reaction";
}

const compared = [
  "seq",
  "user_id",
  "username",
  "status",
  "client_id",
  "answer_to",
  "created_at",
] as const;

function faultOfMessage(message: StoredMessage, frame: Frame): string | undefined {
  if (frame.message_id !== message.id) return "another message";
  const wrong = compared.find((name) => frame[name] !== message[name]);
  if (wrong) return `${wrong} ${String(frame[wrong])} instead of ${String(message[wrong])}`;
  const deletedAt = frame.deleted_at ?? null;
  if (deletedAt === null) return frame.content === "" && !message.is_bot ? "no content" : undefined;
  const isBare = deletedAt === message.deleted_at && frame.content === "";
  return isBare ? undefined : `deleted_at ${deletedAt} with content ${frame.content}`;
}
