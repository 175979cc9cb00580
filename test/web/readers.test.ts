import { expect, test } from "bun:test";
import { readersOf } from "../../src/web/readers.ts";
import type { Message } from "../../src/wire/messages.ts";

const joined = "2026-11-01T00:00:00.000Z";
const people = ["ann", "ben", "cleo"].map((username, index) => ({
  id: index + 1,
  username,
  role: "member" as const,
  joined_at: joined,
  created_at: joined,
  display_name: null,
  avatar_url: null,
  is_bot_account: false,
}));
const read = (user_id: number, last_read_seq: number, joined_seq = 0) => ({
  user_id,
  last_read_seq,
  joined_seq,
  read_at: joined,
});
const message: Pick<Message, "seq" | "user_id"> = { seq: 5, user_id: 1 };

test("the readers of a message have read up to its number, and came before it", () => {
  const reads = [read(1, 9), read(2, 5, 4), read(3, 9, 5)];
  expect(readersOf(message, { reads, participants: people })).toEqual({
    names: ["ben"],
    isEverybody: false,
  });
  expect(readersOf(message, { reads: [read(2, 4)], participants: people }).names).toEqual([]);
});

test("everybody has read a message when all but its author have", () => {
  const reads = [read(2, 5), read(3, 8)];
  expect(readersOf(message, { reads, participants: people })).toEqual({
    names: ["ben", "cleo"],
    isEverybody: true,
  });
  expect(readersOf(message, { reads, participants: people.slice(0, 1) }).isEverybody).toBe(false);
});

test("somebody who has left is no reader any more", () => {
  const reads = [read(2, 5), read(7, 8)];
  expect(readersOf(message, { reads, participants: people }).names).toEqual(["ben"]);
});

test("in a room above 100 people the readers are unknown until they are requested", () => {
  const [first] = people;
  if (!first) throw new Error("There is a first person.");
  const many = Array.from({ length: 101 }, (_, id) => ({ ...first, id }));
  expect(readersOf(message, { reads: [read(2, 9)], participants: many }).names).toBeUndefined();
  expect(readersOf(message, { reads: [read(2, 9)], participants: many.slice(1) }).names).toEqual([
    "ann",
  ]);
});
