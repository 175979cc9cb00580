// The check of webhooks: each is told of all that has happened in its chat, in the order of the numbers; what it is told twice has the same
// id, and everything is signed.
import type { History, StoredChat, Violation, WebhookRecord } from "./history.ts";

/** Events that one run delivers at most. A server that is killed during a run has noted none of them. */
const runMax = 100;

export function checkWebhooks({ webhooks = [], chats }: History): Violation[] {
  return webhooks.flatMap((record) => {
    const chat = chats.find(({ id }) => id === record.chatId);
    return chat ? checkRecord(record, chat) : [];
  });
}

function checkRecord(record: WebhookRecord, chat: StoredChat): Violation[] {
  const { chatId, events } = record;
  const found: Violation[] = [];
  const add = (rule: string, detail: string) =>
    void found.push({ rule, detail: `${detail} in chat ${chatId}` });
  if (!record.isAllTold)
    add("webhook not told in time", `${events.length} events${record.waitsFor ?? ""}`);
  const numbers = numbersOf(chat);
  const ids = new Map<number, string>();
  /** The places of the events that were taken, in the order in which they were. */
  const places = new Map<number, number>();
  let newest = 0;
  for (const { id, seq, type, isVerified, isTaken } of events) {
    if (!isVerified) add("webhook with a wrong signature", `${seq}`);
    const kinds = numbers.get(seq);
    if (!kinds?.includes(type)) add("webhook told of what was not", `${seq} ${type}`);
    const place = places.get(seq);
    // Newer ones wait for an event until it is taken. Doubles may come after them, of the last run.
    if (seq < newest && place === undefined)
      add("webhook told out of order", `${seq} after ${newest}`);
    if (place !== undefined && places.size - place > runMax)
      add("webhook told again of what had long been taken", `${seq} after ${newest}`);
    newest = Math.max(newest, seq);
    if (isTaken && place === undefined) places.set(seq, places.size);
    if ((ids.get(seq) ?? id) !== id) add("webhook told twice with another id", `${seq}`);
    ids.set(seq, id);
  }
  if (new Set(ids.values()).size < ids.size) add("webhook told of two events with one id", "");
  for (const seq of mustBeTold(chat)) {
    if (seq > record.after && !places.has(seq)) add("webhook not told", `${seq}`);
  }
  return found;
}

/** The events that each number of a chat may be told as. */
function numbersOf(chat: StoredChat): Map<number, readonly string[]> {
  const numbers = new Map<number, readonly string[]>();
  for (const { seq, is_bot: isBot } of chat.messages) {
    numbers.set(seq, [isBot ? "answer.started" : "message.created"]);
  }
  for (const { seq, kind } of chat.changes) numbers.set(seq, eventsOfChange[kind] ?? []);
  return numbers;
}

/** The reactions of a deleted message are changes of the message afterwards. */
const eventsOfChange: Record<string, readonly string[]> = {
  message_updated: ["message.updated", "message.deleted", "reaction.added", "reaction.removed"],
  answer_ended: ["answer.ended"],
  reaction_added: ["reaction.added"],
  reaction_removed: ["reaction.removed"],
  participant_added: ["participant.added"],
  participant_removed: ["participant.removed"],
  chat_updated: ["chat.updated"],
};

/** Numbers that are told whatever happens later: of a deleted message, its reactions are not told any more. */
function mustBeTold(chat: StoredChat): number[] {
  const deleted = new Set(
    chat.messages.filter(({ deleted_at: at }) => at !== null).map(({ id }) => id),
  );
  const changes = chat.changes.filter(
    ({ kind, message_id: id }) =>
      kind in eventsOfChange && !(kind === "message_updated" && deleted.has(id ?? 0)),
  );
  return [...chat.messages, ...changes].map(({ seq }) => seq);
}
