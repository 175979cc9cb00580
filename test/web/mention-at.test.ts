import { describe, expect, test } from "bun:test";
import { matching, mentionAt, mentionableIn } from "../../src/web/mention-at.ts";
import type { Chat, Participant } from "../../src/wire/chats.ts";

/** The caret is where the `|` is. */
function at(text: string) {
  const caret = text.indexOf("|");
  return mentionAt(text.replace("|", ""), caret);
}

describe("a mention is being written", () => {
  test.each([
    ["@|", { start: 0, end: 1, query: "" }],
    ["hello @an|", { start: 6, end: 9, query: "an" }],
    ["(@an|)", { start: 1, end: 4, query: "an" }],
    ["hello @a|nna!", { start: 6, end: 11, query: "a" }],
    ["two\nlines @b|", { start: 10, end: 12, query: "b" }],
    ["你好@an|", { start: 2, end: 5, query: "an" }],
    ["你好＠an|", { start: 2, end: 5, query: "an" }],
    ["שלום @an|", { start: 5, end: 8, query: "an" }],
    ["`code` @an|", { start: 7, end: 10, query: "an" }],
    ["```\ncode\n```\n@an|", { start: 13, end: 16, query: "an" }],
    ["an ` alone\n\n@an|", { start: 12, end: 15, query: "an" }],
    ["👍@an|", { start: 2, end: 5, query: "an" }],
  ])("in %j", (text, place) => {
    expect(at(text)).toEqual(place);
  });
});

describe("no mention is being written", () => {
  test.each([
    "|",
    "no sign|",
    "a@b|",
    "é@b|",
    "שלום@b|",
    "a_@b|",
    "@@b|",
    "\\@b|",
    "@ann |",
    "`code @an|",
    "``two ` ticks @an|",
    "```\n@an|",
    "~~~js\n```\n@an|",
    "https://example.com/@an|",
    "example.com/@an|",
    `@${"a".repeat(33)}|`,
  ])("in %j", (text) => {
    expect(at(text)).toBeUndefined();
  });
});

const person = (id: number, username: string): Participant => ({
  id,
  username,
  role: id === 1 ? "owner" : "member",
  joined_at: "2026-11-01T00:00:00.000Z",
  created_at: "2026-11-01T00:00:00.000Z",
  display_name: null,
  avatar_url: null,
  is_bot_account: false,
});
const chat: Chat = {
  id: 1,
  name: "Physics",
  is_named: true,
  owner_id: 1,
  is_group: true,
  is_ai_chat: false,
  created_at: "2026-11-01T00:00:00.000Z",
  last_seq: 0,
  updated_seq: 0,
  settings: {
    model: null,
    persona: null,
    temperature: null,
    thinking_budget: null,
    google_search: false,
  },
  picture_url: null,
};
const namesOf = (people: readonly { name: string }[]) => people.map(({ name }) => name);

describe("people who can be mentioned", () => {
  const people = [person(1, "ann"), person(2, "ben"), person(3, "joanna")];

  test("are the others, everybody and the model", () => {
    expect(namesOf(mentionableIn(chat, people, 2, true))).toEqual([
      "ann",
      "joanna",
      "all",
      "Gemini",
    ]);
  });

  test("are not the model where there is none, and not everybody in a private chat", () => {
    const two = { ...chat, is_group: false };
    expect(namesOf(mentionableIn(two, people.slice(0, 2), 2, false))).toEqual(["ann"]);
    expect(mentionableIn({ ...chat, is_ai_chat: true }, people, 2, true)).toEqual([]);
    expect(mentionableIn(undefined, people, 2, true)).toEqual([]);
  });

  test("are everybody in a group of 50, and in a larger one for its owner only", () => {
    const many = Array.from({ length: 51 }, (_, index) => person(index + 1, `p${index + 1}`));
    expect(namesOf(mentionableIn(chat, many.slice(1), 2, false))).toContain("all");
    expect(namesOf(mentionableIn(chat, many, 2, false))).not.toContain("all");
    expect(namesOf(mentionableIn(chat, many, 1, false))).toContain("all");
  });
});

describe("names for a query", () => {
  const named = (...names: string[]) => names.map((name) => ({ name, userId: 1, hint: "" }));

  test("begin with it, or contain it, without regard to case", () => {
    expect(namesOf(matching(named("joanna", "Ann", "ben"), "AN"))).toEqual(["Ann", "joanna"]);
    expect(matching(named("ben"), "x")).toEqual([]);
  });

  test("are none when the only one is complete, and eight at most", () => {
    expect(matching(named("ann", "ben"), "ANN")).toEqual([]);
    expect(namesOf(matching(named("ann", "anna"), "ann"))).toEqual(["ann", "anna"]);
    expect(matching(named(..."abcdefghijkl"), "")).toHaveLength(8);
  });
});
