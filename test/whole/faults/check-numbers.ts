// The check of a chat's numbers and counters.
import type { StoredChat, Violation } from "./history.ts";

const violation = (rule: string, detail: string): Violation => ({ rule, detail });

/** The numbers of new messages, of later changes of them, and of changes of the chat are together 1, 2, 3 … last_seq. */
export function checkNumbers(chat: StoredChat): Violation[] {
  const found: Violation[] = [];
  const taken = [
    ...chat.messages.map((message) => message.seq),
    ...chat.changes.map((change) => change.seq),
  ].sort((a, b) => a - b);
  taken.forEach((number, index) => {
    if (number === taken[index - 1]) {
      found.push(violation("number taken twice", `chat ${chat.id}: ${number}`));
    } else if (number !== (taken[index - 1] ?? 0) + 1) {
      found.push(
        violation("number left out", `chat ${chat.id}: ${taken[index - 1] ?? 0} → ${number}`),
      );
    }
  });
  const last = taken.at(-1) ?? 0;
  if (last !== chat.last_seq) {
    found.push(
      violation("wrong last_seq", `chat ${chat.id}: ${chat.last_seq}, its log ends at ${last}`),
    );
  }
  const changes = Map.groupBy(chat.changes, (change) => change.message_id);
  for (const { id, seq, updated_seq, is_bot } of chat.messages) {
    const own = changes.get(id) ?? [];
    const ends = own.filter(({ kind }) => kind === "answer_ended").length;
    const last = Math.max(seq, ...own.map((change) => change.seq));
    if (last !== updated_seq || ends !== (is_bot ? 1 : 0)) {
      found.push(violation("change not recorded", `chat ${chat.id}: message ${id}`));
    }
  }
  return found;
}

/** The counters of a chat are what its rows say. */
export function checkCounters(chat: StoredChat): Violation[] {
  const found: Violation[] = [];
  const wrong = (what: string) =>
    found.push(violation("wrong counter", `chat ${chat.id}: ${what}`));
  if (chat.message_count !== chat.messages.length) wrong("message_count");
  if (chat.participant_count !== chat.participants.length) wrong("participant_count");
  const bySeq = chat.messages.toSorted((a, b) => a.seq - b.seq);
  if (bySeq.some((message, index) => message.ordinal !== index + 1)) wrong("ordinal");
  const chatChanges = chat.changes.filter((change) => change.message_id === null);
  const updatedSeq = Math.max(0, ...chatChanges.map((change) => change.seq));
  if (chat.updated_seq !== updatedSeq) wrong("updated_seq");
  return found;
}
