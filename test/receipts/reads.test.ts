// Read positions as they are sent: to one's own sockets at once, to the people of the room gathered, with `joined`.
import { beforeEach, describe, expect, test } from "bun:test";
import { rates } from "../../src/rate-limits/limits.ts";
import { liveReadsMembersMax } from "../../src/wire/receipts.ts";
import { time } from "../http/refusals.ts";
import type { TestSocket } from "../world/socket.ts";
import { startWorld, useWorld, type Person } from "../world/world.ts";

const world = useWorld({ durations: { receiptsMs: 50 } });
let ann: Person;
let ben: Person;
let chatId: number;
beforeEach(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
  chatId = (await ann.chat({ with: [ben] })).id;
});

const read = (socket: TestSocket, seq?: number) =>
  socket.ask({ type: "read", chat_id: chatId, seq });
const hide = (person: Person, read_receipts = false) =>
  person.api("PATCH", "/api/auth/me", { read_receipts });
const position = (person: Person, last_read_seq: number, joined_seq = 0) => ({
  user_id: person.id,
  last_read_seq,
  joined_seq,
  read_at: last_read_seq > joined_seq ? time : null,
});
const frame = (...reads: object[]) => ({ type: "read", chat_id: chatId, reads });

/** The highest position that a socket was sent of a person. */
function shown(socket: TestSocket, person: Person): number {
  const reads: { user_id: number; last_read_seq: number }[] = socket
    .ofType("read")
    .flatMap((sent) => Object(sent).reads);
  return Math.max(
    -1,
    ...reads.filter(({ user_id }) => user_id === person.id).map((one) => one.last_read_seq),
  );
}

/** Lets a person read to the end, and waits for the frame that tells a socket. What was gathered before has come by then. */
async function readAnd(socket: TestSocket, person: Person) {
  const { seq } = await ann.say(chatId, "one more");
  await person.api("POST", `/api/chats/${chatId}/mark-read`);
  while (shown(socket, person) < seq) await socket.next("read");
}

/** Adds people to the chat until it has `count` participants. */
async function fill(count: number) {
  await world.sql`
    with people as (
      insert into users (username, email, hashed_password)
      select 'crowd' || ${chatId}::int || '_' || n, 'crowd' || ${chatId}::int || '_' || n || '@example.com', 'none'
      from generate_series((select participant_count + 1 from chats where id = ${chatId}), ${count}) n
      returning id
    ),
    added as (insert into chat_participants (chat_id, user_id) select ${chatId}, id from people)
    update chats set participant_count = ${count} where id = ${chatId}
  `;
}

describe("the frame read", () => {
  test("moves the position as POST mark-read does, without a join, never back and never too far", async () => {
    const bens = await ben.socket();
    for (const text of ["1", "2", "3"]) await ann.say(chatId, text);
    for (const [seq, reached] of [
      [0, 0],
      [2, 2],
      [1, 2],
      [99, 3],
      [undefined, 3],
      [null, 3],
    ]) {
      const reply = await bens.ask({ type: "read", chat_id: chatId, seq });
      expect(reply).toEqual({ type: "ack", request_id: expect.any(String), seq: reached });
    }
    const { body } = await ben.api("POST", `/api/chats/${chatId}/mark-read`, { seq: 0 });
    expect(body.last_read_seq).toBe(3);
  });

  test("is refused for a chat that one is not in, and for what is no number", async () => {
    const eves = await (await world.person("eve")).socket();
    for (const chat_id of [chatId, chatId + 1_000_000]) {
      expect(await eves.ask({ type: "read", chat_id, seq: 1 })).toMatchObject({
        type: "error",
        code: "not_found",
        chat_id,
      });
    }
    const anns = await ann.socket();
    for (const seq of [-1, 1.5, "3", true, [], 2 ** 53]) {
      const reply = await anns.ask({ type: "read", chat_id: chatId, seq });
      expect(reply).toMatchObject({ type: "error", code: "invalid" });
    }
    const noChat = await anns.ask({ type: "read", seq: 1 });
    expect(noChat).toMatchObject({ type: "error", code: "invalid" });
  });

  test("counts in the same quota as POST mark-read", async () => {
    const limited = await startWorld({ env: { RATE_LIMITS: "memory" } });
    try {
      const eager = await limited.person("eager");
      const chat = await eager.chat();
      await eager.say(chat.id, "one");
      const [socket, { person: quota }] = [await eager.socket(), rates.reads];
      await limited.ctx.rateLimits.take("reads", { userId: eager.id }, quota.quota - 1);
      const path = `/api/chats/${chat.id}/mark-read`;
      expect((await eager.api("POST", path, { seq: 0 })).status).toBe(200);
      expect((await eager.api("POST", path)).status).toBe(429);
      const refused = await socket.ask({ type: "read", chat_id: chat.id });
      expect(refused).toMatchObject({ code: "rate_limited", retry_after: expect.any(Number) });
      expect(socket.ofType("read")).toEqual([]);
    } finally {
      await limited.stop();
    }
  });
});

describe("the people who have joined", () => {
  test("receive a position that has moved, and the sockets of others that have not joined don't", async () => {
    const [joined, unjoined] = [await ann.joined(chatId), await ann.socket()];
    const strangers = await (await world.person("eve")).socket();
    const bens = await ben.socket();
    await ann.say(chatId, "one");
    await read(bens);
    expect(await joined.next("read")).toEqual(frame(position(ben, 1)));
    // A position that does not move is sent to nobody.
    await read(bens, 1);
    await readAnd(joined, ben);
    expect(joined.ofType("read")).toHaveLength(2);
    for (const socket of [unjoined, strangers]) {
      await socket.settle();
      expect(socket.ofType("read")).toEqual([]);
    }
  });

  test("receive each person's newest position once when many read at the same time", async () => {
    const people = await Promise.all(Array.from({ length: 20 }, () => world.person("reader")));
    chatId = (await ann.chat({ with: people })).id;
    const anns = await ann.joined(chatId);
    for (const text of ["1", "2", "3"]) await ann.say(chatId, text);
    await Promise.all(
      people.flatMap((person) =>
        [1, 3, 2].map((seq) => person.api("POST", `/api/chats/${chatId}/mark-read`, { seq })),
      ),
    );
    while (people.some((person) => shown(anns, person) < 3)) await anns.next("read");
    const frames = anns.ofType("read");
    expect(frames.length).toBeLessThan(20);
    for (const { reads } of frames) {
      const ids = Object(reads).map(({ user_id }: { user_id: number }) => user_id);
      expect(new Set(ids).size).toBe(ids.length);
    }
  });

  test("receive positions in a chat of 100 people", async () => {
    await fill(liveReadsMembersMax);
    const anns = await ann.joined(chatId);
    await readAnd(anns, ben);
    expect(anns.ofType("read")).toEqual([frame(position(ben, 1))]);
    const late = await ann.joined(chatId);
    expect(late.ofType("joined")[0]?.reads).toEqual([position(ann, 0), position(ben, 1)]);
  });

  test("receive nothing from a chat of more than 100 people, whose readers are listed on request", async () => {
    await fill(liveReadsMembersMax + 1);
    const anns = await ann.joined(chatId);
    const message = await ann.say(chatId, "to many");
    const [bens, other] = [await ben.socket(), await ben.socket()];
    await read(bens);
    expect(await other.next("read")).toEqual(frame(position(ben, message.seq)));
    const late = await ann.joined(chatId);
    expect(late.ofType("joined")[0]?.reads).toEqual([position(ann, 0)]);
    const path = `/api/chats/${chatId}/messages/${message.id}/readers`;
    expect((await ann.api("GET", path)).body).toHaveLength(1);
    // Once the chat is small again, what is sent comes after anything that was on its way.
    await world.sql`update chats set participant_count = 100 where id = ${chatId}`;
    await readAnd(anns, ben);
    expect(anns.ofType("read")).toEqual([frame(position(ben, message.seq + 1))]);
  });

  test("receive nothing that is read after they were removed", async () => {
    const eve = await world.person("eve");
    await ann.api("POST", `/api/chats/${chatId}/invite`, { username: eve.username });
    const [eves, anns] = [await eve.joined(chatId), await ann.joined(chatId)];
    await readAnd(eves, ben);
    const before = shown(eves, ben);
    await ann.api("DELETE", `/api/chats/${chatId}/participants/${eve.id}`);
    await readAnd(anns, ben);
    await eves.settle();
    expect(shown(eves, ben)).toBe(before);
    const rejoined = await eves.ask({ type: "join", chat_id: chatId });
    expect(rejoined).toMatchObject({ code: "not_found" });
  });
});

describe("joined", () => {
  test("has one's own position first, then those of everybody who has read something", async () => {
    const cat = await world.person("cat");
    await ann.say(chatId, "1");
    await ann.api("POST", `/api/chats/${chatId}/invite`, { username: cat.username });
    await ann.say(chatId, "3");
    await ben.api("POST", `/api/chats/${chatId}/mark-read`, { seq: 1 });
    for (const after_seq of [undefined, 0, 2, 3]) {
      const anns = await ann.joined(chatId, after_seq);
      expect(anns.ofType("joined")[0]?.reads).toEqual([position(ann, 0), position(ben, 1)]);
      const cats = await cat.joined(chatId, after_seq);
      expect(cats.ofType("joined")[0]?.reads).toEqual([position(cat, 2, 2), position(ben, 1)]);
    }
    await cat.api("POST", `/api/chats/${chatId}/mark-read`);
    const anns = await ann.joined(chatId, 3);
    const reads = Object(anns.ofType("joined")[0]).reads;
    expect(reads.slice(1)).toEqual([position(ben, 1), position(cat, 3, 2)]);
  });

  test("has the positions once, however many messages come before it", async () => {
    for (let n = 0; n < 30; n += 1) await ann.say(chatId, String(n));
    await ben.api("POST", `/api/chats/${chatId}/mark-read`, { seq: 7 });
    const bens = await ben.joined(chatId, 0);
    expect(bens.ofType("message")).toHaveLength(30);
    expect(bens.ofType("joined")[0]?.reads).toEqual([position(ben, 7)]);
  });

  test("and the frames after it leave no move out, whenever one joins", async () => {
    const sockets: TestSocket[] = [];
    const bens = await ben.socket();
    for (let n = 1; n <= 30; n += 1) {
      const [, socket] = await Promise.all([
        ann.say(chatId, String(n)).then(() => read(bens)),
        ann.joined(chatId),
      ]);
      sockets.push(socket);
    }
    for (const socket of sockets) {
      const reads = Object(socket.ofType("joined")[0]).reads;
      const greeted = reads.find((one: { user_id: number }) => one.user_id === ben.id);
      while ((greeted?.last_read_seq ?? 0) < 30 && shown(socket, ben) < 30) {
        await socket.next("read");
      }
    }
  });
});

describe("somebody who does not want to be seen reading", () => {
  test("is shown to nobody, and is shown nobody, from the change on, on open sockets too", async () => {
    const cat = await world.person("cat");
    await ann.api("POST", `/api/chats/${chatId}/invite`, { username: cat.username });
    const [anns, bens, second] = [
      await ann.joined(chatId),
      await ben.joined(chatId),
      await ben.socket(),
    ];
    await readAnd(anns, ben);
    const before = shown(anns, ben);
    await hide(ben);
    const { seq } = await ann.say(chatId, "hidden");
    await read(bens);
    // The person's own clients are still told, and count as before.
    await second.next("read", {});
    while (shown(second, ben) < seq) await second.next("read");
    const { body: chats } = await ben.api("GET", "/api/chats");
    expect(chats[0].unread_count).toBe(0);
    await readAnd(anns, cat);
    await bens.settle();
    expect(shown(anns, ben)).toBe(before);
    expect(shown(bens, cat)).toBe(-1);
    const greetings = [await ann.joined(chatId), await ben.joined(chatId, 0)];
    const [toAnn, toBen] = greetings.map((socket) => Object(socket.ofType("joined")[0]).reads);
    expect(toAnn.map((one: { user_id: number }) => one.user_id)).toEqual([ann.id, cat.id]);
    expect(toBen).toEqual([position(ben, seq)]);
  });

  test("is seen again with the next move after the setting was switched back", async () => {
    const anns = await ann.joined(chatId);
    await hide(ben);
    await ann.say(chatId, "one");
    await ben.api("POST", `/api/chats/${chatId}/mark-read`);
    await hide(ben, true);
    await readAnd(anns, ben);
    // The move before may be shown too, if it was gathered until then.
    expect(anns.ofType("read").at(-1)).toEqual(frame(position(ben, 2)));
  });
});

test("of moves at once each is told once, in the order of the positions", async () => {
  const bens = await ben.socket();
  for (let n = 1; n <= 10; n += 1) await ann.say(chatId, String(n));
  const seqs = [3, 10, 5, 1, 9, 2, 10, 8, 4, 7, 6];
  const replies = await Promise.all(
    seqs.map((seq) => ben.api("POST", `/api/chats/${chatId}/mark-read`, { seq })),
  );
  for (const [place, { body }] of replies.entries()) {
    expect(body.last_read_seq).toBeGreaterThanOrEqual(seqs[place] ?? 0);
  }
  await bens.settle();
  const told = bens.ofType("read").map(({ reads }) => Object(reads)[0].last_read_seq);
  expect(new Set(told).size).toBe(told.length);
  expect(Math.max(...told)).toBe(10);
});
