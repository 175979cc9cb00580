// The sockets of the FastAPI server's clients: opened with an access token in the address, their frames carry the nested
// `message`, also those of chats that they have not joined.
import { beforeEach, describe, expect, test } from "bun:test";
import { answer, finish, pause, refuse, say } from "../world/gemini/script.ts";
import { uploaded } from "../attachments/files.ts";
import { TestSocket, type Frame } from "../world/socket.ts";
import { useWorld, type Person } from "../world/world.ts";

const world = useWorld({ durations: { leaveDelayMs: 300 } });
let ann: Person;
let ben: Person;
let chatId: number;
beforeEach(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
  chatId = (await ann.chat({ with: [ben] })).id;
});

async function merged(person: Person, joins?: number): Promise<TestSocket> {
  const socket = await person.socket({ isMerged: true });
  if (joins !== undefined) await socket.ask({ type: "join", chat_id: joins });
  return socket;
}

interface Nested {
  id: number;
  content: string;
}
const nestedIn = (frame: Frame): Nested => Object(frame.message);

/** Texts that a client shows if it reads nested messages only. */
function contents(socket: TestSocket): string[] {
  return socket.ofType("message").map((frame) => nestedIn(frame).content);
}

describe("a message", () => {
  test("has the flat and the nested form for a merged socket that has joined, and the nested one for one that has not", async () => {
    const [joined, unjoined, lean] = [
      await merged(ben, chatId),
      await merged(ben),
      await ben.joined(chatId),
    ];
    const message = await ann.say(chatId, " hi ");
    const flat = await lean.next("message");
    const { id, user_id, username, content, is_bot, created_at } = message;
    const nested = { id, chat_id: chatId, user_id, username, content, is_bot, created_at };
    expect(flat.message).toBeUndefined();
    expect(await joined.next("message")).toEqual({ ...flat, message: nested });
    expect(await unjoined.next("message")).toEqual({ type: "message", message: nested });
  });

  test("of files alone has the name of the first one in the nested form", async () => {
    const socket = await merged(ben, chatId);
    const file = await uploaded(world, ann, chatId, "a file", { name: "notes.txt" });
    const input = { content: "", attachment_ids: [file.id] };
    expect((await ann.api("POST", `/api/chats/${chatId}/messages`, input)).status).toBe(200);
    expect(nestedIn(await socket.next("message")).content).toBe("notes.txt");
    await socket.close();
  });

  test("comes once to each merged socket of every participant, the sender's too, and to nobody else", async () => {
    const sockets = [
      await merged(ann),
      await merged(ann, chatId),
      await merged(ben),
      await merged(ben, chatId),
    ];
    const strangers = await merged(await world.person("eve"));
    const names = Array.from({ length: 16 }, (_, n) => `message ${n}`);
    for (const name of names) await ann.say(chatId, name);
    // A retry shows nothing twice.
    await ann.say(chatId, "again", "c");
    await ann.say(chatId, "again", "c");
    for (const socket of [...sockets, strangers]) await socket.settle();
    for (const socket of sockets) expect(contents(socket)).toEqual([...names, "again"]);
    expect(strangers.ofType("message")).toEqual([]);
  });

  test("is lean for a ticket, a first auth frame and frames=flat, and only the room's", async () => {
    const { body } = await ann.api("POST", "/api/auth/ws-ticket");
    const byAuth = new TestSocket(world.socketUrl(""));
    await byAuth.opened;
    await byAuth.ask({ type: "auth", token: ann.token });
    const sockets = [
      new TestSocket(world.socketUrl(`?token=${body.ticket}`)),
      new TestSocket(world.socketUrl(`?token=${ann.token}&frames=flat`)),
      byAuth,
    ];
    for (const socket of sockets) {
      await socket.opened;
      await socket.settle();
    }
    await ann.say(chatId, "unseen");
    for (const socket of sockets) await socket.ask({ type: "join", chat_id: chatId });
    await ann.say(chatId, "seen");
    for (const socket of sockets) {
      const frame = await socket.next("message");
      expect(frame).toMatchObject({ content: "seen", chat_id: chatId });
      expect(frame.message).toBeUndefined();
      expect(socket.ofType("message").length).toBe(1);
    }
  });

  test("that was missed is replayed in the merged form", async () => {
    await ann.say(chatId, "one");
    const socket = await merged(ben);
    await socket.ask({ type: "join", chat_id: chatId, after_seq: 0 });
    expect(socket.ofType("message")).toEqual([
      expect.objectContaining({
        content: "one",
        message: expect.objectContaining({ content: "one" }),
      }),
    ]);
  });
});

describe("an answer", () => {
  test("is shown whole as it grows to those who have joined, and at its end to the others", async () => {
    const text = "abcdefghij".repeat(300);
    const pieces = Array.from({ length: 30 }, (_, n) => say(text.slice(n * 100, n * 100 + 100)));
    world.gemini.respondWith(answer(...pieces, finish()));
    const [joined, unjoined, lean] = [
      await merged(ben, chatId),
      await merged(ben),
      await ben.joined(chatId),
    ];
    await ann.say(chatId, "/bot go on");
    await lean.next("bot_stream", { is_complete: true });
    await joined.next("bot_stream", { is_complete: true });
    const shown = joined.ofType("bot_stream");
    const whole = shown.filter((frame) => "message" in frame).map(nestedIn);
    expect(new Set(whole.map(({ id }) => id)).size).toBe(1);
    expect(whole.at(0)).toMatchObject({
      user_id: null,
      is_bot: true,
      username: "Gemini",
      content: "",
    });
    expect(whole.at(-1)?.content).toBe(text);
    for (const { content } of whole) expect(text).toStartWith(content);
    expect(shown.map(({ message: _, ...flat }) => flat)).toEqual(lean.ofType("bot_stream"));
    expect(lean.ofType("bot_stream").filter((frame) => "message" in frame)).toEqual([]);
    while (contents(unjoined).length < 2) await unjoined.next("message");
    await unjoined.settle();
    expect(unjoined.ofType("bot_stream")).toEqual([]);
    expect(contents(unjoined)).toEqual(["/bot go on", text]);
  });

  test("that failed without text shows why", async () => {
    world.gemini.respondWith(refuse(400));
    const socket = await merged(ben, chatId);
    await ann.say(chatId, "/bot fail");
    const last = await socket.next("bot_stream", { is_complete: true });
    expect(last.full_response).toBe("");
    expect(String(last.error)).not.toBe("");
    expect(nestedIn(last).content).toBe(String(last.error));
  });

  test("that was stopped before its first word says so, joined or not, until it is deleted", async () => {
    world.gemini.respondWith(answer(pause(60_000)));
    const [joined, unjoined] = [await merged(ben, chatId), await merged(ben)];
    await ann.say(chatId, "/bot wait");
    const { message_id: id } = await joined.next("bot_stream");
    const path = `/api/chats/${chatId}/messages/${id}`;
    expect((await ann.api("POST", `${path}/stop`)).status).toBe(200);
    const last = await joined.next("bot_stream", { is_complete: true });
    expect([last.full_response, nestedIn(last).content]).toEqual(["", "The answer was stopped."]);
    while (contents(unjoined).length < 2) await unjoined.next("message");
    expect(contents(unjoined)).toEqual(["/bot wait", "The answer was stopped."]);
    const replayed = async () => {
      const late = await merged(ben);
      await late.ask({ type: "join", chat_id: chatId, after_seq: 0 });
      return contents(late).at(-1);
    };
    expect(await replayed()).toBe("The answer was stopped.");
    expect((await ann.api("DELETE", path)).status).toBe(200);
    expect(await replayed()).toBe("");
  });
});

describe("removal", () => {
  test("ends the nested messages of a chat at once, joined or not, until the next invitation", async () => {
    const [joined, unjoined] = [await merged(ben, chatId), await merged(ben)];
    await ann.say(chatId, "before");
    for (const socket of [joined, unjoined]) await socket.next("message");
    await ann.api("DELETE", `/api/chats/${chatId}/participants/${ben.id}`);
    await ann.say(chatId, "after");
    await ann.api("POST", `/api/chats/${chatId}/mark-read`);
    for (const socket of [joined, unjoined]) {
      await socket.next("removed_from_chat");
      await socket.settle();
      expect(contents(socket)).toEqual(["before"]);
    }
    await ann.api("POST", `/api/chats/${chatId}/invite`, { username: ben.username });
    await ann.say(chatId, "back");
    for (const socket of [joined, unjoined]) {
      while (contents(socket).length < 2) await socket.next("message");
      expect(contents(socket)).toEqual(["before", "back"]);
      expect(socket.ofType("read_receipts_updated")).toEqual([]);
    }
  });

  test("while a leave is pending ends it, too", async () => {
    const socket = await merged(ben, chatId);
    socket.send({ type: "leave", chat_id: chatId });
    await socket.settle();
    await ann.api("DELETE", `/api/chats/${chatId}/participants/${ben.id}`);
    await ann.say(chatId, "after");
    await Bun.sleep(350);
    await ann.say(chatId, "later");
    await socket.settle();
    expect(contents(socket)).toEqual([]);
  });

  test("of the chat itself ends them", async () => {
    const socket = await merged(ben);
    await ann.say(chatId, "before");
    await ann.api("DELETE", `/api/chats/${chatId}`);
    await socket.next("chat_deleted");
    expect(contents(socket)).toEqual(["before"]);
  });
});

describe("a leave that is followed by a join", () => {
  test("loses nothing and shows nobody a coming or going", async () => {
    const anns = await ann.joined(chatId);
    const bens = await merged(ben, chatId);
    const names = Array.from({ length: 30 }, (_, n) => `message ${n}`);
    const sending = (async () => {
      for (const name of names) await ann.say(chatId, name);
    })();
    for (let n = 0; n < 30; n += 1) {
      bens.send({ type: "leave", chat_id: chatId });
      await bens.ask({ type: "join", chat_id: chatId });
    }
    await sending;
    await Promise.all([anns.settle(), bens.settle()]);
    expect(contents(bens)).toEqual(names);
    const presence = anns.frames.filter(
      ({ type }) => type === "user_left" || type === "user_joined",
    );
    expect(presence.map(({ type }) => type)).toEqual(["user_joined"]);
  });

  test("keeps the answer that is running", async () => {
    world.gemini.respondWith(answer(say("The beginning. "), say("The end."), finish()));
    const bens = await merged(ben, chatId);
    await ann.say(chatId, "/bot go");
    const first = await bens.next("bot_stream");
    bens.send({ type: "leave", chat_id: chatId });
    await bens.ask({ type: "join", chat_id: chatId });
    const last = await bens.next("bot_stream", { is_complete: true, message_id: first.message_id });
    expect(nestedIn(last).content).toBe("The beginning. The end.");
  });

  test("takes effect after a moment if no join comes, and the messages go on in the nested form", async () => {
    const anns = await ann.joined(chatId);
    const bens = await merged(ben, chatId);
    await anns.next("user_joined");
    bens.send({ type: "leave", chat_id: chatId });
    await anns.next("user_left");
    await ann.say(chatId, "later");
    const frame = await bens.next("message");
    expect(Object.keys(frame)).toEqual(["type", "message"]);
  });
});
