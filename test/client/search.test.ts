// Searching, and reading on from a message that was found, with the client.
import { afterEach, beforeAll, expect, test } from "bun:test";
import { createPastMessages } from "gemini-coop/client/past-messages";
import { createSearch } from "gemini-coop/client/search";
import { useWorld } from "../world/world.ts";
import { createPeople, until, untilLive, type People, type SignedIn } from "./people.ts";

const world = useWorld();
let people: People;
beforeAll(async () => {
  people = createPeople(world);
});
afterEach(() => people.closeAll());

/** A client, and a chat of `count` messages: `line 1`, `line 2` … */
async function withLines(count: number): Promise<{ ann: SignedIn; chatId: number }> {
  const ann = await people.signedIn();
  const chat = await ann.api.createChat({ is_group: true });
  for (let line = 1; line <= count; line += 1) await ann.person.say(chat.id, `line ${line}`);
  await world.index();
  return { ann, chatId: chat.id };
}

test("a search has its pages one after another, and only the last of several searches is shown", async () => {
  const { ann } = await withLines(5);
  const search = createSearch(ann);
  const contents = () => search.getSnapshot().items.map(({ message }) => message.content);
  void search.find({ q: "nothing like this" });
  const finding = search.find({ q: "line", limit: 3 });
  expect(search.getSnapshot().isSearching).toBe(true);
  await finding;
  expect(contents()).toEqual(["line 5", "line 4", "line 3"]);
  expect(search.getSnapshot()).toMatchObject({
    isSearching: false,
    hasMore: true,
    problem: undefined,
  });
  await Promise.all([search.more(), search.more()]);
  expect(contents()).toEqual(["line 5", "line 4", "line 3", "line 2", "line 1"]);
  expect(search.getSnapshot().hasMore).toBe(false);
  await search.find({ q: "" });
  expect(search.getSnapshot()).toMatchObject({
    items: [],
    hasMore: false,
    problem: { code: "invalid" },
  });
  const cancelled = search.find({ q: "line" });
  search.cancel();
  await cancelled;
  expect(search.getSnapshot()).toMatchObject({ options: undefined, items: [], isSearching: false });
});

test("past messages are those around a number, and go on in both directions to the ends", async () => {
  const { ann, chatId } = await withLines(130);
  const past = createPastMessages(ann, chatId);
  const lines = () => past.getSnapshot().messages.map(({ seq }) => seq);
  const from = (first: number, last: number) =>
    Array.from({ length: last - first + 1 }, (_, n) => first + n);
  const shown = await past.show(60);
  expect(shown?.content).toBe("line 60");
  expect([lines(), past.getSnapshot().hasOlder, past.getSnapshot().hasNewer]).toEqual([
    from(35, 84),
    true,
    true,
  ]);
  await past.loadNewer();
  expect(lines()).toEqual(from(35, 130));
  expect(past.getSnapshot().hasNewer).toBe(false);
  await past.loadOlder();
  expect([lines(), past.getSnapshot().hasOlder]).toEqual([from(1, 130), false]);
  const overtaken = past.show(5);
  expect((await past.show(9_999))?.content).toBe("line 130");
  expect([await overtaken, lines()]).toEqual([undefined, from(106, 130)]);
  past.clear();
  expect(past.getSnapshot()).toMatchObject({ messages: [], hasOlder: false, hasNewer: false });
  await past.loadOlder();
  past.close();
});

test("past messages follow what has changed while there was no connection, and while they were loaded", async () => {
  const { ann, chatId } = await withLines(80);
  const room = ann.room(chatId);
  await untilLive(room);
  const past = createPastMessages(ann, chatId);
  await past.show(4);
  const [first, second] = past.getSnapshot().messages;
  if (!first || !second) throw new Error("nothing is shown");
  ann.disconnect();
  await until(room, ({ state }) => state === "offline");
  await ann.person.api("DELETE", `/api/chats/${chatId}/messages/${first.id}`);
  ann.connect();
  await until(past, ({ messages }) => messages[0]?.deleted_at !== null);

  const [read, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const late: typeof ann.call = async (...request) => {
    const loaded = await ann.call<never>(...request);
    read.resolve();
    await held.promise;
    return loaded;
  };
  const slow = createPastMessages({ ...ann, call: late }, chatId);
  const loading = slow.show(4);
  await read.promise;
  await room.edit(second.id, "edited meanwhile");
  await until(past, ({ messages }) => messages[1]?.content === "edited meanwhile");
  held.resolve();
  await loading;
  expect(slow.getSnapshot().messages[1]?.content).toBe("edited meanwhile");
});

test("past messages follow edits, deletions and reactions, and nothing else", async () => {
  const { ann, chatId } = await withLines(80);
  const room = ann.room(chatId);
  await untilLive(room);
  const past = createPastMessages(ann, chatId);
  const shown = await past.show(4);
  if (!shown) throw new Error("nothing is shown");
  await room.edit(shown.id, "edited");
  await until(past, ({ messages }) => messages[3]?.content === "edited");
  await room.react(shown.id, "🎉");
  await until(past, ({ messages }) => messages[3]?.reactions[0]?.count === 1);
  await room.delete(shown.id);
  await until(past, ({ messages }) => messages[3]?.deleted_at !== null);
  const before = past.getSnapshot();
  await ann.person.say(chatId, "new");
  await until(room, ({ messages }) => messages.at(-1)?.content === "new");
  expect(past.getSnapshot()).toBe(before);
});
