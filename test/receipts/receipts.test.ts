import { beforeEach, describe, expect, test } from "bun:test";
import { expectInvalid, expectProblem } from "../http/refusals.ts";
import { useWorld, type Person } from "../world/world.ts";

const world = useWorld({ durations: { receiptsMs: 50 } });
let ann: Person;
let ben: Person;
let chatId: number;
beforeEach(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
  chatId = (await ann.chat({ with: [ben] })).id;
});

const receipts = (person: Person, query = "") =>
  person.api("GET", `/api/chats/${chatId}/read-receipts${query}`);
const read = (person: Person, seq?: number) =>
  person.api("POST", `/api/chats/${chatId}/mark-read`, { seq });

const by = (person: Person) => ({
  user_id: person.id,
  username: person.username,
  read_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
});

describe("read receipts", () => {
  test("name the readers of a message, without its author, with the time of reading", async () => {
    expect((await receipts(ann)).body).toEqual({});
    const [first, second] = [await ann.say(chatId, "one"), await ben.say(chatId, "two")];
    expect((await receipts(ann)).body).toEqual({});
    const before = Date.now();
    await read(ben);
    await read(ann, first.seq);
    const { status, body } = await receipts(ben);
    expect(status).toBe(200);
    expect(body).toEqual({ [first.id]: [by(ben)] });
    const readAt = Date.parse(body[first.id][0].read_at);
    expect(Math.abs(readAt - before)).toBeLessThan(10_000);
    await read(ann);
    expect((await receipts(ann)).body).toEqual({ [first.id]: [by(ben)], [second.id]: [by(ann)] });
  });

  test("keep their time when a position does not move", async () => {
    await ann.say(chatId, "one");
    await read(ben);
    const { body } = await receipts(ann);
    await read(ben);
    await read(ben, 0);
    expect((await receipts(ann)).body).toEqual(body);
  });

  test("count somebody who joined later for newer messages only", async () => {
    const old = await ann.say(chatId, "old");
    const eve = await world.person("eve");
    const group = await ann.chat({ with: [ben] });
    chatId = group.id;
    const before = await ann.say(chatId, "before");
    await ann.api("POST", `/api/chats/${chatId}/invite`, { username: eve.username });
    const after = await ann.say(chatId, "after");
    await read(eve);
    expect((await receipts(ann)).body).toEqual({ [after.id]: [by(eve)] });
    expect(before.id).toBeGreaterThan(old.id);
  });

  test("cover the newest 200 messages, or those that are asked for, and none of another chat", async () => {
    const first = await ann.say(chatId, "0");
    for (let n = 1; n <= 200; n += 1) await ann.say(chatId, String(n));
    await read(ben);
    const { body } = await receipts(ann);
    expect(Object.keys(body).length).toBe(200);
    expect(body[first.id]).toBeUndefined();
    expect((await receipts(ann, `?message_ids=${first.id}`)).body).toEqual({
      [first.id]: [by(ben)],
    });
    const other = await ann.chat({ with: [ben] });
    const elsewhere = await ann.say(other.id, "x");
    await ben.api("POST", `/api/chats/${other.id}/mark-read`);
    expect((await receipts(ann, `?message_ids=${elsewhere.id}`)).body).toEqual({});
  });

  test("name 20 readers of a message, those who read it first", async () => {
    const people = await Promise.all(Array.from({ length: 22 }, () => world.person("reader")));
    chatId = (await ann.chat({ with: people })).id;
    const { id } = await ann.say(chatId, "all");
    for (const person of people) await read(person);
    const { body } = await receipts(ann);
    const names = body[id].map((reader: { username: string }) => reader.username);
    expect(names).toEqual(people.slice(0, 20).map(({ username }) => username));
  });

  test("are refused to strangers and former participants, and for ids that are none", async () => {
    expectProblem(await receipts(await world.person("eve")), 404, "not_found");
    for (const query of [
      "?message_ids=x",
      "?message_ids=",
      "?message_ids=1,,2",
      "?message_ids=-1",
    ]) {
      expectInvalid(await receipts(ann, query), "/message_ids");
    }
    expectInvalid(await receipts(ann, `?message_ids=${Array(201).fill(1).join()}`), "/message_ids");
    await ben.api("POST", `/api/chats/${chatId}/leave`);
    expectProblem(await receipts(ben), 404, "not_found");
  });
});

describe("read_receipts_updated", () => {
  test("goes to the merged sockets of all participants, joined or not, and to no other socket", async () => {
    const joined = await ann.socket({ isMerged: true });
    await joined.ask({ type: "join", chat_id: chatId });
    const [unjoined, lean] = [await ben.socket({ isMerged: true }), await ann.joined(chatId)];
    const strangers = await (await world.person("eve")).socket({ isMerged: true });
    const { id } = await ann.say(chatId, "one");
    await read(ben);
    for (const socket of [joined, unjoined]) {
      expect(await socket.next("read_receipts_updated")).toEqual({
        type: "read_receipts_updated",
        chat_id: chatId,
        read_receipts: { [id]: [by(ben)] },
      });
    }
    await Promise.all([lean.settle(), strangers.settle()]);
    expect(lean.ofType("read_receipts_updated")).toEqual([]);
    expect(strangers.frames.filter(({ type }) => type !== "pong")).toEqual([]);
  });

  test("comes with the newest state, not once for every reader, and not when no position moved", async () => {
    const people = await Promise.all(Array.from({ length: 20 }, () => world.person("reader")));
    chatId = (await ann.chat({ with: people })).id;
    const anns = await ann.socket({ isMerged: true });
    const { id } = await ann.say(chatId, "one");
    await Promise.all(people.map((person) => read(person)));
    for (;;) {
      const { read_receipts: shown } = await anns.next("read_receipts_updated");
      if (Object(shown)[id]?.length === 20) break;
    }
    const count = anns.ofType("read_receipts_updated").length;
    expect(count).toBeLessThan(20);
    await Promise.all(people.map((person) => read(person)));
    await ann.say(chatId, "two");
    await read(people[0] ?? ann);
    await anns.next("read_receipts_updated");
    expect(anns.ofType("read_receipts_updated").length).toBe(count + 1);
  });
});
