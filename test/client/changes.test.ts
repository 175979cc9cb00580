// Edits, deletions, reactions, replies and read positions in a room, as the client shows them.
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { Room, SocketLike } from "gemini-coop/client";
import { createDetails } from "gemini-coop/client/details";
import { useWorld } from "../world/world.ts";
import { createPeople, until, untilLive, type People } from "./people.ts";

const world = useWorld();
let people: People;
beforeAll(async () => {
  people = createPeople(world);
});
afterEach(() => people.closeAll());

/** Two people in a group chat whose room both have open, with one message of the first. */
async function conversation() {
  const [ann, ben] = await people.pair();
  const chat = await ann.api.createChat({ is_group: true, participant_usernames: [ben.name] });
  const [anns, bens] = [ann.room(chat.id), ben.room(chat.id)];
  await Promise.all([untilLive(anns), untilLive(bens)]);
  const sent = await anns.send("Hallo").settled;
  if (!sent.ok) throw sent.problem;
  const id = sent.message_id;
  await Promise.all(
    [anns, bens].map((room) => until(room, ({ messages }) => messages.length === 1)),
  );
  return { ann, ben, chat, anns, bens, id };
}

const first = (room: Room) => room.getSnapshot().messages[0];
const untilFirst = (room: Room, expected: object) =>
  until(
    room,
    ({ messages: [message] }) => message !== undefined && Bun.deepMatch(expected, message),
  );

/** Sockets whose frames can be held back: what HTTP answers then overtakes them. */
function lateSockets() {
  let held: (() => void)[] | undefined;
  class LateSocket implements SocketLike {
    readonly #socket: WebSocket;

    constructor(url: string) {
      this.#socket = new WebSocket(url);
    }

    send(text: string) {
      this.#socket.send(text);
    }

    close(code?: number, reason?: string) {
      this.#socket.close(code, reason);
    }

    addEventListener(...[type, listener]: Parameters<SocketLike["addEventListener"]>) {
      this.#socket.addEventListener(type, (event) => {
        if (held && type === "message") held.push(() => listener(event));
        else listener(event);
      });
    }
  }
  return {
    LateSocket,
    hold: () => {
      held = [];
    },
    deliver: () => {
      const frames = held ?? [];
      held = undefined;
      for (const deliver of frames) deliver();
    },
  };
}

/** A message of Ben's in a room of Ann's, who is told of what happens in it when it is delivered. */
async function toldLate() {
  const { LateSocket, hold, deliver } = lateSockets();
  const [ann, ben] = [await people.signedIn({ WebSocket: LateSocket }), await people.signedIn()];
  const chat = await ben.api.createChat({ is_group: true, participant_usernames: [ann.name] });
  const room = ann.room(chat.id);
  await untilLive(room);
  const { id } = await ben.api.sendMessage(chat.id, "Hallo");
  return { ann, ben, chat, room, id, hold, deliver };
}

describe("an edit", () => {
  test("is shown to its author at once, and to everybody once it is stored", async () => {
    const { anns, bens, id } = await conversation();
    const edited = anns.edit(id, "Hello");
    expect(first(anns)).toMatchObject({ content: "Hello", edited_at: expect.any(String) });
    expect(await edited).toEqual({ ok: true });
    await untilFirst(bens, { content: "Hello", updated_seq: 2 });
    expect(first(anns)).toEqual(first(bens));
  });

  test("that the server refuses is taken back, with the reason", async () => {
    const { bens, id } = await conversation();
    const edited = bens.edit(id, "Hello");
    expect(first(bens)?.content).toBe("Hello");
    expect(await edited).toMatchObject({ ok: false, problem: { code: "forbidden" } });
    expect(first(bens)).toMatchObject({ content: "Hallo", edited_at: null });
  });

  test("is sent again until the server can be reached", async () => {
    let failures = 3;
    const [ann] = await people.pair({
      fetch: async (url, init) => {
        if (init.method === "PATCH" && failures-- > 0) throw new TypeError("no network");
        return await fetch(url, init);
      },
    });
    const chat = await ann.api.createChat({ is_group: true });
    const room = ann.room(chat.id);
    await untilLive(room);
    const { id } = await ann.api.sendMessage(chat.id, "Hallo");
    await until(room, ({ messages }) => messages.length === 1);
    expect(await room.edit(id, "Hello")).toEqual({ ok: true });
    expect(failures).toBe(-1);
    expect(first(room)?.content).toBe("Hello");
  });

  test("that follows another one is stored after it", async () => {
    const { ann, chat, anns, bens, id } = await conversation();
    const edits = ["one", "two", "three"].map((content) => anns.edit(id, content));
    expect(first(anns)?.content).toBe("three");
    expect(await Promise.all(edits)).toEqual([{ ok: true }, { ok: true }, { ok: true }]);
    await untilFirst(bens, { content: "three" });
    const versions = await createDetails(ann).listVersions(chat.id, id);
    expect(versions.map(({ content }) => content)).toEqual(["Hallo", "one", "two", "three"]);
  });

  test("fails when its author signs out before it is stored", async () => {
    const [ann] = await people.pair({
      fetch: async (url, init) => {
        if (init.method === "PATCH") throw new TypeError("no network");
        return await fetch(url, init);
      },
    });
    const chat = await ann.api.createChat({ is_group: true });
    const room = ann.room(chat.id);
    await untilLive(room);
    const { id } = await ann.api.sendMessage(chat.id, "Hallo");
    await until(room, ({ messages }) => messages.length === 1);
    const edited = room.edit(id, "Hello");
    await ann.session.logout();
    expect(await edited).toMatchObject({ ok: false, problem: { code: "signed_out" } });
  });
});

test("a deletion leaves a message without content, for its author at once", async () => {
  const { anns, bens, id } = await conversation();
  const deleted = anns.delete(id);
  expect(first(anns)).toMatchObject({ content: "", deleted_at: expect.any(String) });
  expect(await deleted).toEqual({ ok: true });
  await untilFirst(bens, { content: "", updated_seq: 2 });
  expect(first(anns)).toEqual(first(bens));
  expect(await bens.edit(id, "again")).toMatchObject({ ok: false });
  expect(await anns.delete(id)).toEqual({ ok: true });
});

describe("a reaction", () => {
  test("is shown at once, counted by everybody, and taken back", async () => {
    const { ann, ben, anns, bens, id } = await conversation();
    const both = Promise.all([anns.react(id, "👍"), bens.react(id, "👍"), bens.react(id, "🎉")]);
    expect(first(anns)?.reactions).toEqual([{ emoji: "👍", count: 1, user_ids: [ann.person.id] }]);
    expect(await both).toEqual([{ ok: true }, { ok: true }, { ok: true }]);
    for (const room of [anns, bens]) await untilFirst(room, { updated_seq: 4 });
    expect(first(anns)?.reactions).toMatchObject([
      { emoji: "👍", count: 2 },
      { emoji: "🎉", count: 1, user_ids: [ben.person.id] },
    ]);
    expect(first(bens)).toEqual(first(anns));
    const taken = anns.react(id, "👍", false);
    expect(first(anns)?.reactions[0]).toMatchObject({ count: 1, user_ids: [ben.person.id] });
    expect(await taken).toEqual({ ok: true });
    await untilFirst(bens, { updated_seq: 5 });
    expect(first(bens)).toEqual(first(anns));
  });

  test("whose answer comes after a later reaction leaves that one in place", async () => {
    const gate = Promise.withResolvers<void>();
    const [ann, ben] = await people.pair({
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        if (init.method === "PUT" && url.endsWith(encodeURIComponent("👍"))) await gate.promise;
        return response;
      },
    });
    const chat = await ann.api.createChat({ is_group: true, participant_usernames: [ben.name] });
    const room = ann.room(chat.id);
    await untilLive(room);
    const { id } = await ann.api.sendMessage(chat.id, "Hallo");
    await until(room, ({ messages }) => messages.length === 1);
    const reacted = room.react(id, "👍");
    await untilFirst(room, { updated_seq: 2 });
    await ben.api.react(chat.id, id, "🎉", true);
    await untilFirst(room, { updated_seq: 3 });
    gate.resolve();
    expect(await reacted).toEqual({ ok: true });
    expect(first(room)?.reactions.map(({ emoji }) => emoji)).toEqual(["👍", "🎉"]);
  });

  test("that is confirmed before the room has been told of an edit hides neither", async () => {
    const { ann, ben, chat, room, id, hold, deliver } = await toldLate();
    await until(room, ({ messages }) => messages.length === 1);
    hold();
    await ben.api.editMessage(chat.id, id, "Hello");
    await ben.api.react(chat.id, id, "🎉", true);
    expect(await room.react(id, "👍")).toEqual({ ok: true });
    expect(first(room)?.reactions.map(({ emoji }) => emoji)).toEqual(["🎉", "👍"]);
    deliver();
    await untilFirst(room, { content: "Hello", updated_seq: 4 });
    expect(first(room)).toEqual(await createDetails(ann).getMessage(chat.id, id));
  });

  test("that is confirmed before the room has been told of others stands in the order of the server", async () => {
    const { ann, ben, chat, room, id, hold, deliver } = await toldLate();
    for (const emoji of ["🎉", "👍"]) await ben.api.react(chat.id, id, emoji, true);
    await untilFirst(room, { updated_seq: 3 });
    hold();
    for (const emoji of ["🎉", "👍"]) {
      for (const on of [false, true]) await ben.api.react(chat.id, id, emoji, on);
    }
    for (const emoji of ["👍", "❤️"]) expect(await room.react(id, emoji)).toEqual({ ok: true });
    deliver();
    await untilFirst(room, { updated_seq: 9 });
    expect(first(room)).toEqual(await createDetails(ann).getMessage(chat.id, id));
  });

  test("that is no emoji is refused and taken back", async () => {
    const { anns, id } = await conversation();
    expect(await anns.react(id, "no")).toMatchObject({ ok: false, problem: { code: "invalid" } });
    expect(first(anns)?.reactions).toEqual([]);
  });
});

test("a reply names its message, also when it is sent again after a reload", async () => {
  const { anns, bens, id } = await conversation();
  const { settled } = bens.send("Hi", { replyTo: id });
  expect(bens.getSnapshot().pending).toMatchObject([{ content: "Hi", reply_to: id }]);
  expect(await settled).toMatchObject({ ok: true });
  await until(anns, ({ messages }) => messages[1]?.reply_to === id);
});

test("read positions are those of a client that comes later, and those that move while it is there", async () => {
  const { ann, ben, chat, anns, bens } = await conversation();
  await bens.markRead();
  await until(anns, ({ reads }) =>
    reads.some((read) => read.user_id === ben.person.id && read.last_read_seq === 1),
  );
  const later = (await people.signedIn({}, ann.person)).room(chat.id);
  await untilLive(later);
  expect(later.getSnapshot().reads).toContainEqual(
    expect.objectContaining({ user_id: ben.person.id, last_read_seq: 1 }),
  );
  await ann.api.removeParticipant(chat.id, ben.person.id);
  await until(anns, ({ reads }) => reads.every((read) => read.user_id !== ben.person.id));
});
