// The texts that a message has had, by the numbers of its changes, as far as they are still stored.
import type { History, StoredChat, StoredMessage } from "./history.ts";

export interface States {
  /** The number of the message and those of its changes, in order. */
  readonly numbers: readonly number[];
  /** Whether it had this text at one of its numbers. A deleted message may have had every text that somebody wrote. */
  hasAt(number: number, text: string): boolean;
  /** Whether it had this text at one of its numbers or a later one: a frame that is read from the log shows the latest. */
  hasSince(number: number, text: string): boolean;
  /** The number of an answer's end. */
  readonly endedAt: number;
}

/** The text of a person's message at a number; undefined of a deleted message. */
export function textAt(message: StoredMessage, number: number): string | undefined {
  return message.versions
    .toSorted((a, b) => a.updated_seq - b.updated_seq)
    .findLast(({ updated_seq }) => updated_seq <= number)?.content;
}

export function statesOf(history: History, chat: StoredChat): Map<number, States> {
  const changes = Map.groupBy(chat.changes, (change) => change.message_id);
  const revisions = Map.groupBy(history.revisions, (revision) => revision.messageId);
  const sends = new Map(history.sends.map((send) => [`${send.userId} ${send.clientId}`, send]));
  const clientIds = new Map(chat.messages.map((message) => [message.id, message.client_id]));

  return new Map(
    chat.messages.map((message) => {
      const own = changes.get(message.id) ?? [];
      const numbers = [message.seq, ...own.map(({ seq }) => seq)].sort((a, b) => a - b);
      const send = sends.get(`${message.user_id} ${message.client_id}`);
      const texts = new Set((revisions.get(message.id) ?? []).map(({ content }) => content));
      if (send) texts.add(send.content);
      const question = clientIds.get(message.answer_to ?? 0) ?? "";
      const hasAt = (number: number, text: string) =>
        numbers.includes(number) && had(message, number, text, { numbers, texts, whole, endedAt });
      const endedAt = own.find(({ kind }) => kind === "answer_ended")?.seq ?? Infinity;
      const whole = message.is_bot ? history.answerTo(question) : "";
      const hasSince = (number: number, text: string) =>
        numbers.some((later) => later >= number && hasAt(later, text));
      return [message.id, { numbers, hasAt, hasSince, endedAt }];
    }),
  );
}

function had(
  message: StoredMessage,
  number: number,
  text: string,
  known: { numbers: number[]; texts: Set<string>; whole: string; endedAt: number },
): boolean {
  const isDeleted = message.deleted_at !== null;
  if (isDeleted && number === known.numbers.at(-1)) return text === "";
  if (message.is_bot) {
    if (isDeleted) return known.whole.startsWith(text);
    const streams = number < known.endedAt;
    return streams ? message.content.startsWith(text) : message.content === text;
  }
  if (isDeleted) return known.texts.has(text);
  return textAt(message, number) === text;
}
