// Leaving a room: who no longer receives its frames, and who is told that others have left.
import { describe, expect, test } from "bun:test";
import { replayMax } from "../../src/wire/frames.ts";
import type { UserFrame } from "../../src/wire/list-frames.ts";
import { defaultSettings } from "../world/world.ts";
import { chatId, frame, range, removal } from "./frames.ts";
import { begin, startWorld as start } from "./listeners.ts";

const ann = 1;
const ben = 2;
const invitation: UserFrame = {
  type: "chat_invite",
  chat: {
    id: chatId,
    name: "chat",
    is_named: true,
    owner_id: ben,
    is_group: true,
    is_ai_chat: false,
    created_at: "2026-11-22T10:15:30.123Z",
    last_seq: 0,
    updated_seq: 0,
    settings: defaultSettings,
    picture_url: null,
  },
  notification: "",
};

describe("a removal", () => {
  test("is the last that the removed hear, on all their sockets", async () => {
    const world = start(0);
    const anns = [world.listener(ann), world.listener(ann)];
    const other = world.listener(ben);
    for (const listener of [...anns, other]) await world.join(listener);
    world.publish((number) => removal(number, ann));
    world.publish();
    for (const listener of anns) {
      expect(listener.heard.slice(-1)).toEqual([1]);
      expect(listener.hearsTheRoom).toBe(false);
      expect([...listener.joined]).toEqual([]);
    }
    expect(other.heard).toEqual(["joined", 1, "user_left", 2]);
  });

  test("takes effect in its turn: what was written before it is heard, whatever comes first", async () => {
    const world = start(0);
    const listener = world.listener(ann);
    await world.join(listener);
    world.realtime.toRoom(frame(3));
    world.realtime.toRoom(removal(2, ann));
    expect(listener.heard).toEqual(["joined"]);
    world.realtime.toRoom(frame(1));
    expect(listener.heard).toEqual(["joined", 1, 2]);
  });

  test("during a join makes it fail, also behind more frames than are kept", async () => {
    for (const before of [0, replayMax + 1]) {
      const world = start(0);
      await world.join(world.listener(ben));
      const listener = world.listener(ann);
      const join = begin(world, listener);
      for (const _ of range(1, before)) world.publish();
      world.publish((number) => removal(number, ann));
      expect(await join.end()).toBe(false);
      world.publish();
      expect(listener.heard).toEqual([]);
      expect(listener.hearsTheRoom).toBe(false);
    }
  });

  test("during a join that is repeated makes it fail, and the others are told once", async () => {
    const world = start(0);
    const [listener, other] = [world.listener(ann), world.listener(ben)];
    await world.join(other);
    await world.join(listener);
    const join = begin(world, listener);
    world.publish((number) => removal(number, ann));
    expect(await join.end()).toBe(false);
    expect(other.heard).toEqual(["joined", "user_joined", 1, "user_left"]);
  });

  test("before what the join has read of the log doesn't concern it: the person was invited again", async () => {
    const world = start(0);
    await world.join(world.listener(ben));
    world.log.lastSeq = 2;
    const listener = world.listener(ann);
    const join = begin(world, listener);
    world.realtime.toRoom(removal(1, ann));
    world.realtime.toRoom(frame(2));
    expect(await join.end()).toBe(true);
    world.publish();
    expect(listener.heard).toEqual(["joined", 3]);
  });
});

describe("the notice of a removal", () => {
  const removed = (world: ReturnType<typeof start>, userId: number, seq: number) => {
    world.realtime.toRoom(removal(seq, userId));
    const notice = { type: "removed_from_chat", chat_id: chatId, notification: "" } as const;
    world.realtime.toUser(userId, notice, { chatId, seq });
  };
  const invited = (world: ReturnType<typeof start>, userId: number, seq: number) => {
    world.realtime.toRoom(frame(seq));
    world.realtime.toUser(userId, invitation, { chatId, seq });
  };

  test("follows the last frame that the removed hear, also when a number before it is late", async () => {
    const world = start(0);
    const joined = world.listener(ann);
    await world.join(joined);
    const outside = world.listener(ann);
    removed(world, ann, 2);
    expect(joined.heard).toEqual(["joined"]);
    expect(outside.heard).toEqual([]);
    world.realtime.toRoom(frame(1));
    expect(joined.heard).toEqual(["joined", 1, 2, "removed_from_chat"]);
    expect(outside.heard).toEqual(["removed_from_chat"]);
  });

  test("comes at once where nobody has joined the room", () => {
    const world = start(0);
    const listener = world.listener(ann);
    removed(world, ann, 2);
    expect(listener.heard).toEqual(["removed_from_chat"]);
  });

  test("waits for a join that opens the room, and comes also when that is given up", async () => {
    for (const end of ["end", "cancel"] as const) {
      const world = start(0);
      const [listener, other] = [world.listener(ann), world.listener(ben)];
      const join = begin(world, other);
      removed(world, ann, 2);
      expect(listener.heard).toEqual([]);
      const ended = join[end]();
      world.realtime.toRoom(frame(1));
      await ended;
      expect(listener.heard).toEqual(["removed_from_chat"]);
    }
  });

  test("comes also when the chat is deleted, and when more wait than are kept", async () => {
    const world = start(0);
    await world.join(world.listener(ben));
    const listeners = range(1, 1_001).map((id) => world.listener(10 + id));
    for (const [index, { userId }] of listeners.entries()) removed(world, userId, 2 + index);
    expect(listeners.filter(({ heard }) => heard.length > 0)).toEqual(listeners.slice(-1));
    world.rooms.end(chatId);
    for (const { heard } of listeners) expect(heard).toEqual(["removed_from_chat"]);
  });

  test("that is later than that of the next invitation doesn't take it back", async () => {
    for (const isOpen of [true, false]) {
      const world = start(0);
      if (isOpen) await world.join(world.listener(ben));
      const listener = world.listener(ann);
      invited(world, ann, 2);
      removed(world, ann, 1);
      expect(listener.heard).toEqual(["chat_invite"]);
      removed(world, ann, 3);
      expect(listener.heard).toEqual(["chat_invite", "removed_from_chat"]);
    }
  });
});

describe("the others", () => {
  test("are told of a person's first socket, which is not told itself, and of the last one gone", async () => {
    const world = start(0);
    const [first, second, other] = [world.listener(ann), world.listener(ann), world.listener(ben)];
    for (const listener of [other, first, second]) await world.join(listener);
    expect(other.sent.slice(1)).toEqual([
      { type: "user_joined", chat_id: chatId, user_id: ann, username: "user1" },
    ]);
    expect(first.heard).toEqual(["joined"]);
    world.rooms.leave(chatId, first);
    world.rooms.leave(chatId, first);
    expect(other.heard).toEqual(["joined", "user_joined"]);
    world.rooms.leave(chatId, second);
    expect(other.heard).toEqual(["joined", "user_joined", "user_left"]);
  });

  test("get a passing frame that a person doesn't, on none of their sockets", async () => {
    const world = start(0);
    const listeners = [world.listener(ann), world.listener(ann), world.listener(ben)];
    for (const listener of listeners) await world.join(listener);
    const typing = { type: "typing", chat_id: chatId, user_id: ann, username: "user1" } as const;
    world.realtime.toRoom(typing, { exceptUserId: ann });
    expect(listeners.map(({ heard }) => heard.includes("typing"))).toEqual([false, false, true]);
  });
});

test("a room is forgotten with its last listener, and what is published to nobody is not kept", async () => {
  const world = start(0);
  const listener = world.listener(ann);
  await world.join(listener);
  expect(world.rooms.chatIds()).toEqual([chatId]);
  world.rooms.leave(chatId, listener);
  expect(world.rooms.chatIds()).toEqual([]);
  world.publish();
  await world.join(listener);
  expect(listener.heard).toEqual(["joined", "joined"]);
});

test("the end of a chat silences everyone in it", async () => {
  const world = start(0);
  const listeners = [world.listener(ann), world.listener(ben)];
  for (const listener of listeners) await world.join(listener);
  world.rooms.end(chatId);
  world.publish();
  for (const listener of listeners) {
    expect(listener.heard).not.toContain(1);
    expect([...listener.joined]).toEqual([]);
  }
  expect(world.rooms.chatIds()).toEqual([]);
});
