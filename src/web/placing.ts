// How messages follow each other in a list.
import { calendarDay } from "./calendar-days.ts";
import type { Message } from "../wire/messages.ts";

/** Consecutive messages of one person within this time have one heading with the name. */
const continuesMs = 5 * 60_000;

/** How a message follows the one before it. */
export interface Place {
  readonly before: Message | undefined;
  readonly isNewDay: boolean;
  /** The previous message is by the same person, of the same day, and only a short time older. */
  readonly continues: boolean;
}

function place(message: Message, before: Message | undefined): Place {
  if (!before) return { before, isNewDay: true, continues: false };
  const [time, earlier] = [new Date(message.created_at), new Date(before.created_at)];
  const isNewDay = calendarDay(time) !== calendarDay(earlier);
  const continues =
    !isNewDay &&
    !message.is_bot &&
    before.user_id === message.user_id &&
    time.getTime() - earlier.getTime() < continuesMs;
  return { before, isNewDay, continues };
}

/** @param held the places of a list that was shown before: those of messages that still follow each other are kept */
export function placesOf(
  messages: readonly Message[],
  held: ReadonlyMap<Message, Place> = new Map(),
): ReadonlyMap<Message, Place> {
  return new Map(
    messages.map((message, index) => {
      const before = messages[index - 1];
      const known = held.get(message);
      return [message, known?.before === before && known ? known : place(message, before)];
    }),
  );
}
