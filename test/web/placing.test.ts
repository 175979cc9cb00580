// How messages follow each other in the list.
import { expect, test } from "bun:test";
import { placesOf } from "../../src/web/placing.ts";
import { blankMessage } from "../../src/wire/blank-message.ts";
import type { Message } from "../../src/wire/messages.ts";

function message(id: number, created_at: Date, more: Partial<Message> = {}): Message {
  return { ...blankMessage, id, user_id: 1, created_at: created_at.toISOString(), ...more };
}

/** 10 minutes to midnight, and minutes after that, in the reader's time zone. */
const minute = (count: number) => new Date(2026, 4, 1, 23, 50 + count);

test("a message continues the one before it within five minutes, by the same person and on the same day", () => {
  const messages = [
    message(1, minute(0)),
    message(2, minute(4)),
    message(3, minute(9)),
    message(4, minute(11)),
    message(5, minute(12), { user_id: 2 }),
    message(6, minute(13), { user_id: null, is_bot: true }),
    message(7, minute(14), { user_id: null, is_bot: true }),
  ];
  const places = [...placesOf(messages).values()];
  const continuing = [false, true, false, false, false, false, false];
  expect(places.map(({ continues }) => continues)).toEqual(continuing);
  const newDays = [true, false, false, true, false, false, false];
  expect(places.map(({ isNewDay }) => isNewDay)).toEqual(newDays);
});

test("a change of one message finds only its place and the next one's anew", () => {
  const messages = [1, 2, 3, 4].map((id) => message(id, minute(id)));
  const held = placesOf(messages);
  const changed = messages.with(1, message(2, minute(2), { content: "changed" }));
  const now = placesOf(changed, held);
  const isKept = changed.map((each) => now.get(each) === held.get(each));
  expect(isKept).toEqual([true, false, false, true]);
  const longer = [message(0, minute(0)), ...changed];
  const isKeptBelow = longer.map((each) => placesOf(longer, now).get(each) === now.get(each));
  expect(isKeptBelow).toEqual([false, false, true, true, true]);
});
