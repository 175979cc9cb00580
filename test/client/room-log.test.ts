// The effect of single frames on a room, in orders that a real server does not produce.
import { expect, test } from "bun:test";
import { messagesMax, RoomLog } from "../../src/client/room-log.ts";
import type { Chat, Participant } from "../../src/wire/chats.ts";
import type { ServerFrame } from "../../src/wire/server-frames.ts";
import { messageFrame } from "../../src/wire/message-frames.ts";
import type { Message } from "../../src/wire/messages.ts";
import { newMessage } from "../world/new-message.ts";

const time = "2026-11-22T10:15:30.123Z";

/** Message `seq` of a room, which is its id too. */
function aMessage(seq: number, more: Partial<Message> = {}): Message {
  return newMessage({
    id: seq,
    chat_id: 1,
    seq,
    updated_seq: seq,
    user_id: 1,
    username: "ann",
    content: "",
    created_at: time,
    ...more,
  });
}

const chunk = (offset: number, text: string): ServerFrame => ({
  type: "bot_stream",
  chat_id: 1,
  message_id: 2,
  chunk: text,
  is_complete: false,
  offset,
});

function answering(content: string) {
  const log = new RoomLog(() => undefined);
  log.put(aMessage(2, { is_bot: true, status: "streaming", content }));
  return { log, text: () => log.shown.messages[0]?.content };
}

test("a chunk is put where it belongs, whatever came before", () => {
  const { log, text } = answering("Hello");
  expect(log.apply(chunk(5, " world"))).toBeUndefined();
  expect(text()).toBe("Hello world");
  // A chunk that comes twice, and late, changes nothing.
  log.apply(chunk(5, " w"));
  expect(text()).toBe("Hello world");
  expect(log.apply(chunk(20, "!"))).toBe("hole");
  expect(text()).toBe("Hello world");
  // The server died, and its answer goes on from what was stored, in other words.
  log.apply(chunk(0, "Hello"));
  log.apply(chunk(5, " there"));
  expect(text()).toBe("Hello there");
  log.apply(chunk(9, "se"));
  expect(text()).toBe("Hello these");
});

test("an answer that has ended does not change by what comes late", () => {
  const { log, text } = answering("Hell");
  const last = { chunk: "", is_complete: true, offset: 5, usage: null } as const;
  const end = { full_response: "Hello", status: "complete", updated_seq: 3 } as const;
  log.apply({ type: "bot_stream", chat_id: 1, message_id: 2, ...last, ...end });
  log.apply(chunk(0, "Bye"));
  expect(text()).toBe("Hello");
  expect(log.shown.messages[0]).toMatchObject({ status: "complete", updated_seq: 3 });
});

test("a message is kept in its newest state, in the order of the numbers", () => {
  const log = new RoomLog(() => undefined);
  for (const seq of [3, 1, 2]) log.put(aMessage(seq));
  log.apply({
    ...messageFrame(aMessage(2, { updated_seq: 5, content: "new" })),
    type: "message_updated",
  });
  log.apply(messageFrame(aMessage(2, { updated_seq: 4, content: "old" })));
  expect(log.shown.messages.map(({ seq, content }) => [seq, content])).toEqual([
    [1, ""],
    [2, "new"],
    [3, ""],
  ]);
});

test("what belongs before the loaded part of the history is not put into it", () => {
  const log = new RoomLog(() => undefined);
  const nobody = { chat: undefined, participants: [] };
  log.load({ ...nobody, messages: [aMessage(10), aMessage(11)], hasOlder: true });
  expect(log.apply(messageFrame(aMessage(5, { updated_seq: 12 })))).toBe("unknown");
  expect(log.apply(chunk(0, "text"))).toBe("unknown");
  expect(log.shown.messages.length).toBe(2);
});

test("a room holds so many messages, and lets the oldest go", () => {
  const log = new RoomLog(() => undefined);
  const messages = Array.from({ length: messagesMax }, (_, index) => aMessage(index + 1));
  log.load({ chat: undefined, participants: [], messages, hasOlder: false });
  log.put(aMessage(messagesMax + 1));
  expect(log.shown.messages.length).toBe(messagesMax);
  expect([log.shown.messages[0]?.seq, log.shown.hasOlder]).toEqual([2, true]);
});

test("a snapshot of before is not touched by what comes after", () => {
  const { log } = answering("Hello");
  const before = structuredClone(log.shown);
  const shown = log.shown;
  log.apply(chunk(5, " world"));
  log.apply({ type: "user_joined", chat_id: 1, user_id: 7, username: "ben" });
  expect(shown).toEqual(before);
  expect(log.shown.online).toEqual([{ user_id: 7, username: "ben" }]);
});

const person = (id: number, role: Participant["role"]): Participant => ({
  id,
  username: `person${id}`,
  role,
  joined_at: time,
  display_name: null,
  avatar_url: null,
  is_bot_account: false,
  created_at: time,
});

test("people stay in the order of the server's list when their roles change, and newcomers are last", () => {
  const log = new RoomLog(() => undefined);
  const participants = [1, 2, 3, 5].map((id) => person(id, "member"));
  log.load({ chat: undefined, participants, messages: [], hasOlder: false });
  const changes = [
    { type: "participant_updated", participant: person(2, "moderator") },
    { type: "participant_added", participant: person(4, "member") },
    { type: "participant_removed", user_id: 3, username: "person3" },
    { type: "participant_removed", user_id: 9, username: "person9" },
  ] as const;
  changes.forEach((change, n) => log.apply({ ...change, chat_id: 1, updated_seq: n + 1 }));
  expect(log.shown.participants).toEqual([
    person(1, "member"),
    person(2, "moderator"),
    person(5, "member"),
    person(4, "member"),
  ]);
});

test("with a new owner the roles change", () => {
  const log = new RoomLog(() => undefined);
  const chat = { id: 1, name: "Physics", owner_id: 1, is_group: true, is_ai_chat: false };
  const settings = {
    model: null,
    persona: null,
    temperature: null,
    thinking_budget: null,
    google_search: false,
  };
  const now: Chat = {
    ...chat,
    is_named: true,
    created_at: time,
    last_seq: 1,
    updated_seq: 1,
    settings,
    picture_url: null,
  };
  const participants = [person(1, "owner"), person(2, "member")];
  log.load({ chat: now, participants, messages: [], hasOlder: false });
  const next = { ...now, owner_id: 2, updated_seq: 2 };
  log.apply({ type: "chat_updated", chat_id: 1, chat: next, updated_seq: 2 });
  expect(log.shown.participants.map(({ role }) => role)).toEqual(["member", "owner"]);
});

test("a large room's people are those that the frames name, and its count is the server's", () => {
  const log = new RoomLog(() => undefined);
  const [ann, ben, cat] = ["ann", "ben", "cat"].map((username, index) => ({
    user_id: 1 + index,
    username,
  }));
  if (!ann || !ben || !cat) throw new Error("there are three");
  const online = () => [log.shown.online, log.shown.onlineCount];
  const greeting = { type: "joined", chat_id: 1, last_seq: 0, recovered: true } as const;
  log.greet({ ...greeting, online: [ann, ben], online_count: 250 });
  expect(online()).toEqual([[ann, ben], 250]);
  const changed = { type: "presence_changed", chat_id: 1 } as const;
  log.apply({ ...changed, joined: [cat, ben], left: [ann], online_count: 251 });
  expect(online()).toEqual([[cat, ben], 251]);
  log.apply({ ...changed, joined: [], left: [{ user_id: 9, username: "dan" }], online_count: 250 });
  expect(online()).toEqual([[cat, ben], 250]);
  log.apply({ type: "user_left", chat_id: 1, ...ben });
  log.apply({ type: "user_left", chat_id: 1, ...ben });
  expect(online()).toEqual([[cat], 249]);
  log.apply({ type: "user_joined", chat_id: 1, ...ann });
  log.apply({ type: "user_joined", chat_id: 1, ...ann });
  expect(online()).toEqual([[cat, ann], 250]);
});
