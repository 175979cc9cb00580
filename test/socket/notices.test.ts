// Frames for a person reach all their sockets, joined or not; frames for a room reach the sockets that joined it.
import { beforeEach, describe, expect, test } from "bun:test";
import type { Frame, TestSocket } from "../world/socket.ts";
import { defaultSettings, useWorld, type Person } from "../world/world.ts";

const world = useWorld();
let ann: Person;
let ben: Person;
let cat: Person;
beforeEach(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
  cat = await world.person("cat");
});

const notices = ["chat_created", "chat_invite", "chat_deleted", "removed_from_chat"];
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

/** The notices that came up to now. */
async function noticesOf(socket: TestSocket): Promise<Frame[]> {
  await socket.settle();
  return socket.frames.filter(({ type }) => notices.includes(type));
}

/** A sentence that can be shown to a person and names `names`. */
function sentence(...names: string[]) {
  return expect.stringMatching(new RegExp(names.join(".*")));
}

function chatLike(name: string) {
  return {
    id: expect.any(Number),
    name,
    is_named: true,
    owner_id: ann.id,
    is_group: true,
    is_ai_chat: false,
    created_at: time,
    last_seq: expect.any(Number),
    updated_seq: expect.any(Number),
    settings: defaultSettings,
    picture_url: null,
  };
}

describe("to all sockets of the people concerned", () => {
  test("chat_created tells a new chat to everyone in it, its maker too, and to nobody else", async () => {
    const bens = [await ben.socket(), await ben.socket()];
    const [anns, cats] = [await ann.socket(), await cat.socket()];
    const chat = await ann.chat({ with: [ben], name: "Physics" });
    for (const socket of bens) {
      expect(await noticesOf(socket)).toEqual([
        { type: "chat_created", chat, notification: sentence(ann.username, "Physics") },
      ]);
    }
    expect(await noticesOf(anns)).toEqual([
      { type: "chat_created", chat, notification: sentence("Physics") },
    ]);
    expect(await noticesOf(cats)).toEqual([]);
  });

  test("chat_invite tells an invitation to the invited alone, once, and what follows reaches them", async () => {
    const chat = await ann.chat({ with: [ben], name: "Physics" });
    const [bens, cats] = [await ben.socket(), await cat.socket()];
    for (let tries = 0; tries < 2; tries += 1) {
      await ben.api("POST", `/api/chats/${chat.id}/invite`, { username: cat.username });
    }
    expect(await noticesOf(cats)).toEqual([
      {
        type: "chat_invite",
        chat: chatLike("Physics"),
        notification: sentence(ben.username, "Physics"),
      },
    ]);
    expect(await noticesOf(bens)).toEqual([]);
    await cats.ask({ type: "join", chat_id: chat.id });
    await ann.say(chat.id, "welcome");
    await cats.next("message", { content: "welcome" });
  });

  test("removed_from_chat tells a removal to the removed, joined and unjoined, and to nobody else", async () => {
    const chat = await ann.chat({ with: [ben, cat], name: "Physics" });
    const bens = [await ben.joined(chat.id), await ben.socket()];
    const cats = await cat.joined(chat.id);
    await ann.api("DELETE", `/api/chats/${chat.id}/participants/${ben.id}`);
    for (const socket of bens) {
      expect(await noticesOf(socket)).toEqual([
        {
          type: "removed_from_chat",
          chat_id: chat.id,
          notification: sentence(ann.username, "Physics"),
        },
      ]);
    }
    expect(await noticesOf(cats)).toEqual([]);
  });

  test("removed_from_chat tells somebody who leaves on all their sockets", async () => {
    const chat = await ann.chat({ with: [ben], name: "Physics" });
    const bens = [await ben.joined(chat.id), await ben.socket()];
    await ben.api("POST", `/api/chats/${chat.id}/leave`);
    for (const socket of bens) {
      expect(await noticesOf(socket)).toEqual([
        { type: "removed_from_chat", chat_id: chat.id, notification: sentence("Physics") },
      ]);
    }
  });

  test("chat_deleted tells the end of a chat to everyone who was in it, joined and unjoined", async () => {
    const chat = await ann.chat({ with: [ben], name: "Physics" });
    const concerned = [await ann.joined(chat.id), await ben.joined(chat.id), await ben.socket()];
    const cats = await cat.socket();
    await ann.api("DELETE", `/api/chats/${chat.id}`);
    for (const socket of concerned) {
      expect(await noticesOf(socket)).toEqual([
        { type: "chat_deleted", chat_id: chat.id, notification: sentence("Physics") },
      ]);
    }
    expect(await noticesOf(cats)).toEqual([]);
  });

  test("what was refused tells nobody", async () => {
    const chat = await ann.chat({ with: [ben] });
    const sockets = [await ann.joined(chat.id), await ben.joined(chat.id), await cat.socket()];
    const counts = sockets.map((socket) => socket.frames.length);
    await cat.api("POST", `/api/chats/${chat.id}/invite`, { username: cat.username });
    await ben.api("DELETE", `/api/chats/${chat.id}/participants/${ann.id}`);
    await ben.api("DELETE", `/api/chats/${chat.id}`);
    await ben.api("PATCH", `/api/chats/${chat.id}`, { name: "Mine" });
    await ann.api("POST", `/api/chats/${chat.id}/leave`);
    await ann.api("POST", "/api/chats", {
      is_group: true,
      participant_usernames: ["nobody-has-it"],
    });
    for (const [index, socket] of sockets.entries()) {
      await socket.settle();
      const news = socket.frames.slice(counts[index]).map(({ type }) => type);
      expect(news.filter((type) => type !== "user_joined")).toEqual(["pong"]);
    }
  });
});

describe("to everyone who has joined the room, with the room's number", () => {
  test("participant_added", async () => {
    const chat = await ann.chat({ with: [ben] });
    const [reader, unjoined] = [await ben.joined(chat.id), await ben.socket()];
    await ann.api("POST", `/api/chats/${chat.id}/invite`, { username: cat.username });
    expect(await reader.next("participant_added")).toEqual({
      type: "participant_added",
      chat_id: chat.id,
      participant: {
        id: cat.id,
        username: cat.username,
        role: "member",
        joined_at: time,
        created_at: time,
        display_name: null,
        avatar_url: null,
        is_bot_account: false,
      },
      updated_seq: 1,
    });
    await unjoined.settle();
    expect(unjoined.ofType("participant_added")).toEqual([]);
  });

  test("participant_removed, to the removed too: it is the last they hear", async () => {
    const chat = await ann.chat({ with: [ben] });
    const [anns, bens] = [await ann.joined(chat.id), await ben.joined(chat.id)];
    await ann.api("DELETE", `/api/chats/${chat.id}/participants/${ben.id}`);
    await ann.say(chat.id, "now that they are gone");
    for (const socket of [anns, bens]) {
      expect(await socket.next("participant_removed")).toEqual({
        type: "participant_removed",
        chat_id: chat.id,
        user_id: ben.id,
        username: ben.username,
        updated_seq: 1,
      });
    }
    expect(await anns.next("message")).toMatchObject({ seq: 2 });
    await bens.settle();
    expect(bens.ofType("message")).toEqual([]);
  });

  test("chat_updated, for a new name, a new owner and new settings, and not when nothing changed", async () => {
    const chat = await ann.chat({ with: [ben], name: "Physics" });
    const reader = await ben.joined(chat.id);
    const rename = (name: string) => ann.api("PATCH", `/api/chats/${chat.id}`, { name });
    await rename("Chemistry");
    await rename("Chemistry");
    const settings = { persona: "A chemist", temperature: 0 };
    await ann.api("PATCH", `/api/chats/${chat.id}`, { settings });
    await ann.api("PATCH", `/api/chats/${chat.id}`, { settings });
    await ann.api("PATCH", `/api/chats/${chat.id}`, { owner_id: ben.id });
    const updated = { ...chat, name: "Chemistry" };
    expect(await reader.next("chat_updated")).toEqual({
      type: "chat_updated",
      chat_id: chat.id,
      chat: { ...updated, last_seq: 1, updated_seq: 1 },
      updated_seq: 1,
    });
    expect(await reader.next("chat_updated")).toEqual({
      type: "chat_updated",
      chat_id: chat.id,
      chat: {
        ...updated,
        settings: { ...defaultSettings, ...settings },
        last_seq: 2,
        updated_seq: 2,
      },
      updated_seq: 2,
    });
    expect(await reader.next("chat_updated")).toMatchObject({
      chat: { owner_id: ben.id, settings },
      updated_seq: 3,
    });
    await reader.settle();
    expect(reader.ofType("chat_updated").length).toBe(3);
  });
});

describe("to what lists of chats are made of", () => {
  test("chat_changed reaches a participant's sockets that have not joined, once each, and nobody else", async () => {
    const chat = await ann.chat({ with: [ben], name: "Physics" });
    const sockets = [await ann.socket(), await ben.socket()];
    const left = await ben.joined(chat.id);
    await left.ask({ type: "leave", chat_id: chat.id });
    const [joined, cats] = [await ann.joined(chat.id), await cat.socket()];
    const { body } = await ann.api("PATCH", `/api/chats/${chat.id}`, { name: "Chemistry" });
    for (const socket of [...sockets, left]) {
      await socket.next("chat_changed");
      await socket.settle();
      expect(socket.ofType("chat_changed")).toEqual([
        { type: "chat_changed", chat_id: chat.id, chat: body },
      ]);
      expect(socket.ofType("chat_updated")).toEqual([]);
    }
    for (const socket of [joined, cats]) {
      await socket.settle();
      expect(socket.ofType("chat_changed")).toEqual([]);
    }
  });

  test("chat_changed reaches nobody who was removed", async () => {
    const chat = await ann.chat({ with: [ben], name: "Physics" });
    const bens = [await ben.socket(), await ben.joined(chat.id)];
    await ann.api("DELETE", `/api/chats/${chat.id}/participants/${ben.id}`);
    await ann.api("PATCH", `/api/chats/${chat.id}`, { name: "Without Ben" });
    for (const socket of bens) {
      await socket.settle();
      expect(socket.ofType("chat_changed")).toEqual([]);
      expect(socket.ofType("chat_updated")).toEqual([]);
    }
  });

  test("read tells a moved read position to all sockets of its person at once, and to no socket of others that has not joined", async () => {
    const chat = await ann.chat({ with: [ben] });
    for (const text of ["one", "two", "three"]) await ann.say(chat.id, text);
    const bens = [await ben.socket(), await ben.socket()];
    const others = [await ann.socket(), await cat.socket()];
    const mark = (body: unknown) => ben.api("POST", `/api/chats/${chat.id}/mark-read`, body);
    await mark({ seq: 2 });
    // None of these moves it.
    for (const seq of [2, 1, 0]) await mark({ seq });
    await mark({});
    const read = (last_read_seq: number) => ({
      type: "read",
      chat_id: chat.id,
      reads: [{ user_id: ben.id, last_read_seq, joined_seq: 0, read_at: time }],
    });
    for (const socket of bens) {
      await socket.settle();
      expect(socket.ofType("read")).toEqual([read(2), read(3)]);
    }
    // Later frames of the chat still reach them.
    const { seq } = await ann.say(chat.id, "four");
    for (const socket of bens) await socket.next("chat_activity", { seq });
    for (const socket of others) {
      await socket.settle();
      expect(socket.ofType("read")).toEqual([]);
    }
  });
});
