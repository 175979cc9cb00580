import { beforeAll, describe, expect } from "bun:test";
import { rates } from "../../src/rate-limits/limits.ts";
import type { SearchItem } from "../../src/wire/search.ts";
import { expectInvalid, expectProblem } from "../http/refusals.ts";
import { answer, finish, say } from "../world/gemini/script.ts";
import { startWorld, useWorld, type Person } from "../world/world.ts";
import { longTest, test } from "../world/long.ts";

const world = useWorld({ durations: { indexMs: 60_000 } });
let ann: Person;
let bob: Person;
let room: number;
beforeAll(async () => {
  [ann, bob] = [await world.person("ann"), await world.person("bob")];
  room = (await ann.chat({ with: [bob], name: "Room" })).id;
});

function search(person: Person, query: Record<string, string | number>) {
  const text = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) text.set(name, String(value));
  return person.api("GET", `/api/search?${text}`);
}

async function items(
  person: Person,
  query: Record<string, string | number>,
): Promise<SearchItem[]> {
  await world.index();
  const { status, body } = await search(person, query);
  expect(status).toBe(200);
  return body.items;
}

/** The texts of the messages that are found, newest first. */
async function found(q: string, more: Record<string, string | number> = {}, person = ann) {
  return (await items(person, { q, ...more })).map(({ message }) => message.content);
}

/** Sends texts one after another to a chat of ann's and returns its id. */
async function chatWith(...texts: string[]): Promise<number> {
  const { id } = await ann.chat({ with: [bob] });
  for (const text of texts) await ann.say(id, text);
  return id;
}

describe("a search", () => {
  test("finds messages that have all words, in any order, newest first, with their chat and the matching parts", async () => {
    const first = await ann.say(room, "The blue whale sings");
    await ann.say(room, "The whale sings");
    const second = await bob.say(room, "Whales? A WHALE, blue as the sea");
    const both = await items(ann, { q: "whale blue" });
    expect(both).toEqual([
      {
        message: second,
        chat: { id: room, name: "Room" },
        highlights: [
          { start: 10, end: 15 },
          { start: 17, end: 21 },
        ],
      },
      {
        message: first,
        chat: { id: room, name: "Room" },
        highlights: [
          { start: 4, end: 8 },
          { start: 9, end: 14 },
        ],
      },
    ]);
  });

  test("takes the last word as a beginning, words in quotes as a phrase, and leaves out what has an excluded word", async () => {
    const chat_id = await chatWith("red car", "red carpet", "carpet red", "a red, car", "red scar");
    expect(await found("red car", { chat_id })).toEqual([
      "a red, car",
      "carpet red",
      "red carpet",
      "red car",
    ]);
    expect(await found("car red", { chat_id })).toEqual(["a red, car", "red car"]);
    expect(await found('"red car"', { chat_id })).toEqual(["a red, car", "red car"]);
    expect(await found('"red car', { chat_id })).toEqual(["a red, car", "red carpet", "red car"]);
    expect(await found("red -carpet", { chat_id })).toEqual(["red scar", "a red, car", "red car"]);
    expect(await found('red -"red car"', { chat_id })).toEqual([
      "red scar",
      "carpet red",
      "red carpet",
    ]);
    expect(await found("red -car", { chat_id })).toEqual(["red scar", "carpet red", "red carpet"]);
  });

  test("ignores case and accents, both ways", async () => {
    const chat_id = await chatWith("Crème Brûlée", "CREME BRULEE", "Straße", "STRASSE");
    for (const q of ["creme brulee", "CRÈME brûl", "cre\u0300me"])
      expect(await found(q, { chat_id })).toHaveLength(2);
    for (const q of ["strasse", "Straße", "STRASS"])
      expect(await found(q, { chat_id })).toEqual(["STRASSE", "Straße"]);
  });

  test("finds Chinese, Japanese and Korean from two characters on, at any place", async () => {
    const chat_id = await chatWith(
      "我们今天去北京大学",
      "東京タワーへ行く",
      "서울에서 만나요",
      "京北",
    );
    expect(await found("北京", { chat_id })).toEqual(["我们今天去北京大学"]);
    expect(await found("京大", { chat_id })).toEqual(["我们今天去北京大学"]);
    expect(await found("天去北京", { chat_id })).toEqual(["我们今天去北京大学"]);
    expect(await found("天北", { chat_id })).toEqual([]);
    expect(await found("タワー", { chat_id })).toEqual(["東京タワーへ行く"]);
    expect(await found("ﾀﾜｰ", { chat_id })).toEqual(["東京タワーへ行く"]);
    expect(await found("에서", { chat_id })).toEqual(["서울에서 만나요"]);
    expect(await found("京", { chat_id })).toEqual([
      "京北",
      "東京タワーへ行く",
      "我们今天去北京大学",
    ]);
    expect(await found("行く 東京", { chat_id })).toEqual(["東京タワーへ行く"]);
  });

  test("finds answers of the model when they are complete", async () => {
    world.gemini.respondWith(answer(say("Photons "), say("scatter."), finish()));
    const { id: chat_id } = await ann.chat();
    const socket = await ann.joined(chat_id);
    socket.send({ type: "message", chat_id, content: "/bot Why?" });
    const end = await socket.next("bot_stream", { is_complete: true });
    expect(await found("scatter photons", { chat_id, from: "gemini" })).toEqual([
      String(end.full_response),
    ]);
  });

  test("may be limited to a chat, a person, a time, and messages with a link", async () => {
    const chat_id = await chatWith("green", "green https://example.com/x", "green www.example.org");
    const bobs = await bob.say(chat_id, "green too");
    expect(await found("green", { chat_id, from: bob.id })).toEqual(["green too"]);
    expect(await found("green", { chat_id, from: bob.username.toUpperCase() })).toEqual([
      "green too",
    ]);
    expect(await found("green", { chat_id, from: "nobody-here" })).toEqual([]);
    expect(await found("green", { chat_id, from: 999_999 })).toEqual([]);
    expect(await found("", { chat_id, from: bob.id })).toEqual(["green too"]);
    expect(await found("green", { chat_id, has: "link" })).toEqual([
      "green www.example.org",
      "green https://example.com/x",
    ]);
    expect(await found("", { chat_id, has: "link" })).toHaveLength(2);
    expect(await found("green", { chat_id, has: "image" })).toEqual([]);
    expect(await found("green", { chat_id, before: bobs.created_at })).not.toContain("green too");
    expect(await found("green", { chat_id, after: bobs.created_at })).toEqual(["green too"]);
    expect(await found("green", { chat_id, after: "2020-01-01", before: "2020-01-02" })).toEqual(
      [],
    );
    expect(await found("green", { chat_id, after: "2020-01-01" })).toHaveLength(4);
  });

  test("goes on page by page, with each message once, while others are sent", async () => {
    const texts = Array.from({ length: 25 }, (_, n) => `paged ${n}`);
    const chat_id = await chatWith(...texts.slice(0, 13));
    const other = await chatWith(...texts.slice(13));
    const seen: string[] = [];
    let cursor: string | null = null;
    let pages = 0;
    await world.index();
    do {
      const more: Record<string, string> = cursor === null ? {} : { cursor };
      const { body } = await search(ann, { q: "paged", limit: 10, ...more });
      seen.push(...body.items.map((item: SearchItem) => item.message.content));
      cursor = body.next_cursor;
      pages += 1;
      await ann.say(other, "paged later");
      await world.index();
    } while (cursor !== null);
    expect(pages).toBe(3);
    expect(seen).toEqual(texts.toReversed());
    expect(await found("paged", { chat_id, limit: 1 })).toEqual(["paged 12"]);
  });

  test("shows a private chat under the other person's name", async () => {
    const { id } = await ann.chat({ with: [bob], is_group: false });
    await bob.say(id, "privately spoken");
    const [mine] = await items(ann, { q: "privately" });
    const [theirs] = await items(bob, { q: "privately" });
    expect([mine?.chat.name, theirs?.chat.name]).toEqual([bob.username, ann.username]);
  });
});

describe("what a search finds", () => {
  test("is nothing of a chat that the person is not in, has left, or was removed from", async () => {
    const { id } = await ann.chat({ with: [bob] });
    await ann.say(id, "sesame opens");
    const stranger = await world.person("stranger");
    expect(await found("sesame", {}, bob)).toEqual(["sesame opens"]);
    expect(await found("sesame", {}, stranger)).toEqual([]);
    expectProblem(await search(stranger, { q: "sesame", chat_id: id }), 404, "not_found");
    expectProblem(await search(stranger, { q: "sesame", chat_id: 999_999 }), 404, "not_found");
    await bob.api("POST", `/api/chats/${id}/leave`);
    expect(await found("sesame", {}, bob)).toEqual([]);
    expectProblem(await search(bob, { q: "sesame", chat_id: id }), 404, "not_found");
    await ann.api("POST", `/api/chats/${id}/invite`, { username: bob.username });
    // A person who comes back finds what the history shows.
    expect(await found("sesame", {}, bob)).toEqual(["sesame opens"]);
    await ann.api("DELETE", `/api/chats/${id}/participants/${bob.id}`);
    expect(await found("sesame", {}, bob)).toEqual([]);
    await ann.api("DELETE", `/api/chats/${id}`);
    expect(await found("sesame")).toEqual([]);
  });

  test("is the text after an edit, and not the one before", async () => {
    const message = await ann.say(room, "draft zebra");
    expect(await found("zebra")).toEqual(["draft zebra"]);
    await ann.api("PATCH", `/api/chats/${room}/messages/${message.id}`, {
      content: "draft giraffe",
    });
    // Before the index knows the new text, the old one finds nothing.
    expect((await search(ann, { q: "zebra" })).body.items).toEqual([]);
    expect(await found("giraffe")).toEqual(["draft giraffe"]);
    expect(await found("zebra")).toEqual([]);
  });

  test("is no deleted message, from the moment of its deletion on", async () => {
    const message = await ann.say(room, "ephemeral okapi");
    expect(await found("okapi")).toEqual(["ephemeral okapi"]);
    await ann.api("DELETE", `/api/chats/${room}/messages/${message.id}`);
    const words =
      await world.sql`select words::text from search_entries where message_id = ${message.id}`;
    expect([...words]).toEqual([{ words: "" }]);
    expect((await search(ann, { q: "okapi" })).body.items).toEqual([]);
    expect(await found("okapi")).toEqual([]);
  });

  test("has a reaction's new state, and stays found", async () => {
    const message = await ann.say(room, "applauded lemur");
    await world.index();
    await bob.api(
      "PUT",
      `/api/chats/${room}/messages/${message.id}/reactions/${encodeURIComponent("🎉")}`,
    );
    const [item] = await items(ann, { q: "lemur" });
    expect(item?.message.reactions).toEqual([{ emoji: "🎉", count: 1, user_ids: [bob.id] }]);
  });
});

describe("a search is refused", () => {
  test("with input that it cannot use", async () => {
    expectInvalid(await search(ann, {}), "/q");
    expectInvalid(await search(ann, { q: "  " }), "/q");
    expectInvalid(await search(ann, { q: "-only -excluded" }), "/q");
    expectInvalid(await search(ann, { q: "x".repeat(201) }), "/q");
    expectInvalid(await search(ann, { q: "a\u0000b" }), "/q");
    expectInvalid(await search(ann, { q: "a ".repeat(17) }), "/q");
    expectInvalid(await search(ann, { q: "a", has: "video" }), "/has");
    expectInvalid(await search(ann, { q: "a", chat_id: "x" }), "/chat_id");
    expectInvalid(await search(ann, { q: "a", limit: 0 }), "/limit");
    expectInvalid(await search(ann, { q: "a", limit: 101 }), "/limit");
    for (const before of ["yesterday", "2026-02-30", "2026-11-22T10:00:00", "0000-01-01"]) {
      expectInvalid(await search(ann, { q: "a", before }), "/before");
    }
  });

  test("with a cursor that no page has returned", async () => {
    const chat_id = await chatWith("cursed one", "cursed two");
    await world.index();
    const { body } = await search(ann, { q: "cursed", chat_id, limit: 1 });
    const cursor = String(body.next_cursor);
    const made = (text: string) => Buffer.from(text).toString("base64url");
    for (const wrong of [
      "",
      "x",
      `${cursor}x`,
      `${cursor}=`,
      ` ${cursor}`,
      made("1"),
      made("1.2.3"),
      made("-1.2"),
      made("1e3.2"),
      made("01.2"),
      made("9".repeat(16) + ".1"),
      "x".repeat(100),
    ]) {
      expectInvalid(await search(ann, { q: "cursed", cursor: wrong }), "/cursor");
    }
    // Its place alone opens nothing to somebody else.
    const stranger = await world.person("stranger");
    expect((await search(stranger, { q: "cursed", cursor })).body).toEqual({
      items: [],
      next_cursor: null,
    });
  });

  test("without a token", async () => {
    expectProblem(await world.call("GET", "/api/search?q=x"), 401, "invalid_token");
  });

  longTest("above the quota of a minute", async () => {
    const limited = await startWorld({ env: { RATE_LIMITS: "memory" } });
    try {
      const person = await limited.person();
      const { quota } = rates.searches.person;
      for (let n = 0; n < quota; n += 1)
        expect((await search(person, { q: "x" })).status).toBe(200);
      expectProblem(await search(person, { q: "x" }), 429, "rate_limited");
    } finally {
      await limited.stop();
    }
  });
});

test("whatever is sent is found again by its own words, and every query is answered", async () => {
  const texts = [
    "'; drop table messages; --",
    "\\' : & | ! ( ) <-> *",
    "a:b*",
    "$1 ${x} $:x",
    "\u202eright\u202c",
    "ẞ".repeat(3),
    "👩‍👩‍👧‍👦 family",
    "ﷺ",
    "x".repeat(3_000),
    "ก็ไม่รู้",
    "\u0301\u0301",
    "İİ",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
    "%_%",
    "@1 #link",
    "1:@2",
  ];
  const chat_id = await chatWith(...texts);
  for (const text of texts) {
    await world.index();
    const { status, body } = await search(ann, { q: text.slice(0, 200), chat_id });
    const contents = body.items?.map((item: SearchItem) => item.message.content) ?? [];
    if (/[\p{L}\p{N}]/u.test(text))
      expect([text, contents]).toEqual([text, expect.arrayContaining([text])]);
    expect([200, 422]).toContain(status);
  }
});
