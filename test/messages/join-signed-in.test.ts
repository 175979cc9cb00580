// A join whose session is still being looked up when its log has been read.
import { expect, test } from "bun:test";
import { joinRoom } from "../../src/messages/join.ts";
import type { Listener } from "../../src/realtime/listener.ts";
import { useWorld } from "../world/world.ts";

const world = useWorld();

test("a join that waits for its session misses nothing when another join opens the room meanwhile", async () => {
  const ann = await world.person("ann");
  const ben = await world.person("ben");
  const chat = await ann.chat({ with: [ben] });
  await ann.say(chat.id, "one");
  const sent: { type: string; content?: string; last_seq?: number }[] = [];
  const listener: Listener = {
    userId: ben.id,
    username: ben.username,
    isMerged: false,
    isHidden: false,
    setHidden() {},
    setQuietChats() {},
    mayReceive: () => true,
    open: true,
    send: (text) => void sent.push(JSON.parse(text)),
    cork: (work) => work(),
    subscribe() {},
    unsubscribe() {},
    joined: new Set(),
  };
  const signedIn = Promise.withResolvers<void>();
  const hasRead = Promise.withResolvers<void>();
  const { grouped } = world.ctx;
  const ctx = {
    ...world.ctx,
    grouped: {
      ...grouped,
      async readJoin(...request: Parameters<typeof grouped.readJoin>) {
        const read = await grouped.readJoin(...request);
        hasRead.resolve();
        return read;
      },
    },
  };
  const caller = {
    id: ben.id,
    username: ben.username,
    sessionId: crypto.randomUUID(),
    expiresAtMs: Infinity,
    source: { address: "127.0.0.1", userAgent: null },
  };
  const request = { chatId: chat.id, afterSeq: 0, requestId: undefined };
  const joining = joinRoom(ctx, caller, listener, { ...request, signedIn: signedIn.promise });
  await hasRead.promise;
  await ann.say(chat.id, "two");
  await ann.joined(chat.id);
  signedIn.resolve();
  await joining;
  expect(sent.filter(({ type }) => type === "message").map(({ content }) => content)).toEqual([
    "one",
    "two",
  ]);
  expect(sent.find(({ type }) => type === "joined")).toMatchObject({ last_seq: 2 });
  world.ctx.realtime.rooms.leave(chat.id, listener);
});
