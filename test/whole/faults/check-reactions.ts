// Checks reactions: what was acknowledged is stored, counted once, and nobody has reacted who did not ask for it.
import type { Reaction } from "../../../src/wire/messages.ts";
import type { Change, History, Reacting, StoredChat, StoredMessage, Violation } from "./history.ts";

const violation = (rule: string, detail: string): Violation => ({ rule, detail });

export const isReaction = ({ kind }: Pick<Change, "kind">): boolean =>
  kind === "reaction_added" || kind === "reaction_removed";

/** The reactions that are shown once a person has reacted, or has taken a reaction back, as the documents tell a client. */
export function reactedWith(
  shown: readonly Reaction[],
  { emoji, userId, on, count }: { emoji: string; userId: number; on: boolean; count: number },
): Reaction[] {
  const before = shown.find((each) => each.emoji === emoji);
  const others = (before?.user_ids ?? []).filter((id) => id !== userId);
  const isNamed = before?.user_ids.includes(userId) === true;
  const added = isNamed ? before.user_ids : [...others, userId];
  const changed = { emoji, count, user_ids: on ? added : others };
  const all = before
    ? shown.map((each) => (each === before ? changed : each))
    : [...shown, changed];
  return all.filter((each) => each.count > 0);
}

/** The reactions of a message at a number; undefined for a deleted message, whose log has none any more. */
export function reactionsAt(
  message: StoredMessage,
  changes: readonly Change[],
  number: number,
): Reaction[] | undefined {
  if (message.deleted_at !== null) return undefined;
  return changes
    .filter((change) => isReaction(change) && change.seq <= number)
    .toSorted((a, b) => a.seq - b.seq)
    .reduce<Reaction[]>((shown, { kind, user_id, emoji, emoji_count }) => {
      const person = { emoji: emoji ?? "", userId: user_id ?? 0, count: emoji_count ?? -1 };
      return reactedWith(shown, { ...person, on: kind === "reaction_added" });
    }, []);
}

export function checkReactions(history: History): Violation[] {
  const asked = Map.groupBy(history.reactions, keyOf);
  return [
    ...history.reactions.flatMap((reacting) => checkReacting(history, reacting)),
    ...history.chats.flatMap((chat) => {
      const changes = Map.groupBy(chat.changes, (change) => change.message_id);
      return chat.messages.flatMap((message) =>
        checkMessage(chat, message, changes.get(message.id) ?? [], asked),
      );
    }),
  ];
}

function keyOf({ messageId, userId, emoji }: Reacting): string {
  return `${messageId} ${userId} ${emoji}`;
}

function checkReacting(history: History, reacting: Reacting): Violation[] {
  const { chatId, messageId, userId, isDone, refusals } = reacting;
  const name = `reaction ${JSON.stringify(reacting)}`;
  if (!isDone && refusals.length === 0) return [violation("never answered", name)];
  const chat = history.chats.find(({ id }) => id === chatId);
  const message = chat?.messages.find(({ id }) => id === messageId);
  const mayBeAway = history.moves.some((move) => move.chatId === chatId && move.userId === userId);
  const isDeleted = message !== undefined && message.deleted_at !== null;
  return refusals
    .filter((code) => !(code === "not_found" && mayBeAway))
    .filter((code) => !(code === "message_deleted" && isDeleted))
    .map((code) => violation("refused for no reason", `${name}: ${code}`));
}

/** The log, the rows of the people and what the message shows are one, and what people asked for. */
function checkMessage(
  chat: StoredChat,
  message: StoredMessage,
  changes: readonly Change[],
  asked: Map<string, Reacting[]>,
): Violation[] {
  const name = `message ${message.id} in chat ${chat.id}`;
  const own = changes.filter(isReaction).toSorted((a, b) => a.seq - b.seq);
  const rows = chat.reactors.filter((row) => row.message_id === message.id);
  if (message.deleted_at !== null) {
    const isBare = own.length === 0 && rows.length === 0 && message.reactions.length === 0;
    return isBare ? [] : [violation("reactions of a deleted message", name)];
  }
  const found: Violation[] = [];
  const people = new Map<string, Set<number>>();
  for (const { seq, kind, user_id, emoji, emoji_count } of own) {
    const [userId, of] = [user_id ?? 0, emoji ?? ""];
    const reacting = people.getOrInsertComputed(of, () => new Set());
    const on = kind === "reaction_added";
    if (reacting.has(userId) === on) found.push(violation("reacted twice", `${name}: ${seq}`));
    if (on) reacting.add(userId);
    else reacting.delete(userId);
    if (reacting.size !== emoji_count) found.push(violation("wrong count", `${name}: ${seq}`));
    const wishes = asked.get(`${message.id} ${userId} ${of}`) ?? [];
    if (!wishes.some((wish) => wish.on === on)) {
      found.push(violation("reacted without being asked", `${name}: ${seq}`));
    }
  }
  const inRows = rows.map(({ emoji, user_id }) => `${emoji} ${user_id}`).toSorted();
  const inLog = [...people].flatMap(([emoji, ids]) => [...ids].map((id) => `${emoji} ${id}`));
  if (inRows.join() !== inLog.toSorted().join()) {
    found.push(violation("reactions other than the log", `${name}: rows`));
  }
  if (!Bun.deepEquals(message.reactions, reactionsAt(message, changes, Infinity))) {
    found.push(violation("reactions other than the log", `${name}: shown`));
  }
  return [...found, ...checkWishes(message, asked, people)];
}

/** The last wish of a person for a message and an emoji is fulfilled, unless a try that was lost may have come late. */
function checkWishes(
  message: StoredMessage,
  asked: Map<string, Reacting[]>,
  people: Map<string, Set<number>>,
): Violation[] {
  return [...asked.values()].flatMap((wishes) => {
    const last = wishes.at(-1);
    if (last?.messageId !== message.id || wishes.some(({ maybeStored }) => maybeStored)) return [];
    const { emoji, userId, on } = wishes.findLast(({ isDone }) => isDone) ?? { ...last, on: false };
    const isSo = people.get(emoji)?.has(userId) === true;
    return isSo === on ? [] : [violation("acknowledged but not so", JSON.stringify(wishes))];
  });
}
