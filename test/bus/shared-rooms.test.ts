// Two servers on one database and one NATS: what happens on one of them is seen on the other.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { RunningServer } from "../../src/server.ts";
import { answerAndHang, say } from "../world/gemini/script.ts";
import { createNats, hasNats } from "../world/nats.ts";
import { useWorld, type Person } from "../world/world.ts";
import { told, watch } from "../presence/watching.ts";
import { elsewhere, joinedElsewhere, socketElsewhere, untilShared } from "./elsewhere.ts";

const hourMs = 3_600_000;

describe.skipIf(!hasNats)("over the bus", () => {
  const nats = createNats();
  beforeAll(() => nats.start());
  /** Nothing is found by looking at the database. */
  const world = useWorld({
    nats,
    durations: {
      sharedLogCheckMs: hourMs,
      membershipPollMs: hourMs,
      endedCheckMs: hourMs,
      presencePollMs: hourMs,
      peoplePollMs: hourMs,
      presenceHoldMs: 20,
      activityMs: 1,
      receiptsMs: 1,
    },
  });
  let other: RunningServer;
  beforeAll(async () => {
    other = world.startAnother();
    await untilShared(world.ctx, other.ctx);
  });
  afterAll(() => nats.stop());

  let ann: Person;
  let ben: Person;
  beforeAll(async () => {
    [ann, ben] = [await world.person("ann"), await world.person("ben")];
  });

  test("messages, edits, reactions and deletions of one server reach a room of the other, in order", async () => {
    const chat = await ann.chat({ with: [ben] });
    const listening = await joinedElsewhere(other, ben, chat.id);
    const message = await ann.say(chat.id, "Helo");
    const path = `/api/chats/${chat.id}/messages/${message.id}`;
    await ann.api("PATCH", path, { content: "Hello" });
    await ann.api("PUT", `${path}/reactions/${encodeURIComponent("👍")}`);
    await ann.api("DELETE", path);
    await ann.api("PATCH", `/api/chats/${chat.id}`, { name: "Chemistry" });
    await listening.next("chat_updated");
    const numbered = listening.frames.filter((frame) => frame.updated_seq !== undefined);
    expect(numbered.map(({ type, updated_seq }) => [type, updated_seq])).toEqual([
      ["message", 1],
      ["message_updated", 2],
      ["reaction", 3],
      ["message_updated", 4],
      ["chat_updated", 5],
    ]);
  });

  test("typing reaches the others on both servers, and not the typist", async () => {
    const chat = await ann.chat({ with: [ben] });
    const [here, bens, own] = [
      await ann.joined(chat.id),
      await joinedElsewhere(other, ben, chat.id),
      await joinedElsewhere(other, ann, chat.id),
    ];
    here.send({ type: "typing", chat_id: chat.id });
    expect(await bens.next("typing")).toMatchObject({ user_id: ann.id, username: ann.username });
    await own.settle();
    expect([here, own].flatMap((socket) => socket.ofType("typing"))).toEqual([]);
  });

  test("somebody who types on two servers at once is shown typing once on both", async () => {
    const chat = await ann.chat({ with: [ben] });
    const [here, there] = [await ann.joined(chat.id), await joinedElsewhere(other, ann, chat.id)];
    const watching = [await ben.joined(chat.id), await joinedElsewhere(other, ben, chat.id)];
    for (const socket of [here, there, there, here]) {
      socket.send({ type: "typing", chat_id: chat.id });
    }
    // The messages of each server about a chat arrive in order, and so do the replies on a socket.
    await Promise.all([here.settle(), there.settle()]);
    await elsewhere(other, ann, "POST", `/api/chats/${chat.id}/messages`, {
      content: "from there",
    });
    await ann.say(chat.id, "from here");
    for (const socket of watching) {
      await socket.next("message", { content: "from there" });
      await socket.next("message", { content: "from here" });
      expect(socket.ofType("typing")).toHaveLength(1);
    }
  });

  test("a person comes once and leaves once, whatever servers their sockets are on", async () => {
    const chat = await ann.chat({ with: [ben] });
    const watching = await ann.joined(chat.id);
    const first = await joinedElsewhere(other, ben, chat.id);
    await watching.next("user_joined", { user_id: ben.id });
    const second = await ben.joined(chat.id);
    const [joined] = second.ofType("joined");
    expect(joined).toMatchObject({ online_count: 2 });
    await first.close();
    const third = await joinedElsewhere(other, ben, chat.id);
    // The messages of the other server about a chat come in order: the arrival is known here then.
    third.send({ type: "typing", chat_id: chat.id });
    await watching.next("typing");
    await second.close();
    await third.close();
    await watching.next("user_left", { user_id: ben.id });
    await watching.settle();
    const seen = watching.frames.filter(({ type }) => /^user_/.test(type));
    expect(seen.map(({ type }) => type)).toEqual(["user_joined", "user_left"]);
  });

  test("who joins is told who is there on the other server", async () => {
    const chat = await ann.chat({ with: [ben] });
    const watching = await joinedElsewhere(other, ann, chat.id);
    await ben.joined(chat.id);
    const again = await ben.socket();
    await watching.next("user_joined", { user_id: ben.id });
    again.send({ type: "join", chat_id: chat.id });
    const joined = await again.next("joined");
    expect(joined).toMatchObject({
      online_count: 2,
      online: expect.arrayContaining([
        { user_id: ann.id, username: ann.username },
        { user_id: ben.id, username: ben.username },
      ]),
    });
  });

  test("invitations, mentions, activity, read positions and removals reach a person's sockets on the other server", async () => {
    const chat = await ann.chat();
    const bens = await socketElsewhere(other, ben);
    await ann.api("POST", `/api/chats/${chat.id}/invite`, { username: ben.username });
    await bens.next("chat_invite");
    const { seq } = await ann.say(chat.id, `Look, @${ben.username}`);
    await bens.next("mention", { chat_id: chat.id, seq });
    await bens.next("chat_activity", { chat_id: chat.id, seq });
    await ben.api("POST", `/api/chats/${chat.id}/mark-read`);
    await bens.next("read", { chat_id: chat.id });
    await ann.api("DELETE", `/api/chats/${chat.id}/participants/${ben.id}`);
    await bens.next("removed_from_chat", { chat_id: chat.id });
    const anns = await socketElsewhere(other, ann);
    await ann.say(chat.id, "without ben");
    await anns.next("chat_activity", { last_message: "without ben" });
    await bens.settle();
    expect(bens.ofType("chat_activity")).toHaveLength(1);
  });

  test("read positions reach a room of the other server", async () => {
    const chat = await ann.chat({ with: [ben] });
    await ann.say(chat.id, "one");
    const anns = await joinedElsewhere(other, ann, chat.id);
    await ben.api("POST", `/api/chats/${chat.id}/mark-read`);
    expect(await anns.next("read")).toMatchObject({ reads: [{ user_id: ben.id }] });
  });

  test("the presence of people, their profiles and their blocks reach who watches or knows them on the other server", async () => {
    const [cyd, dan] = [await world.person("cyd"), await world.person("dan")];
    await cyd.chat({ with: [dan] });
    const watching = await socketElsewhere(other, dan);
    await watch(watching, cyd);
    const [here, there] = [await cyd.socket(), await socketElsewhere(other, cyd)];
    await told(watching, cyd, "online");
    await here.close();
    await there.close();
    await told(watching, cyd, "offline");
    await cyd.api("PATCH", "/api/auth/me", { display_name: "Cyd of elsewhere" });
    const { user } = await watching.next("user_updated");
    expect(user).toMatchObject({ id: cyd.id, display_name: "Cyd of elsewhere" });
    await dan.api("PUT", `/api/users/${cyd.id}/block`);
    expect(await watching.next("blocked_people")).toMatchObject({ user_ids: [cyd.id] });
  });

  test("who wants not to be seen any more has left the rooms of both servers", async () => {
    const chat = await ann.chat({ with: [ben] });
    const watching = [await ann.joined(chat.id), await joinedElsewhere(other, ann, chat.id)];
    await joinedElsewhere(other, ben, chat.id);
    for (const socket of watching) await socket.next("user_joined", { user_id: ben.id });
    await ben.api("PATCH", "/api/auth/me", { presence: "invisible" });
    for (const socket of watching) await socket.next("user_left", { user_id: ben.id });
    await ben.api("PATCH", "/api/auth/me", { presence: "visible" });
    for (const socket of watching) await socket.next("user_joined", { user_id: ben.id });
  });

  test("a session that ends on one server closes its sockets on the other", async () => {
    const cat = await world.person("cat");
    const socket = await socketElsewhere(other, cat);
    const response = await elsewhere(world, cat, "GET", "/api/auth/me");
    expect(response.status).toBe(200);
    await cat.api("DELETE", `/api/auth/sessions/${cat.sessionId}`);
    expect(await socket.closed).toMatchObject({
      code: 1008,
      reason: expect.stringMatching(/^revoked/),
    });
    expect((await elsewhere(other, cat, "GET", "/api/auth/me")).status).toBe(401);
  });

  test("a chat that is deleted on one server ends on the other", async () => {
    const chat = await ann.chat({ with: [ben] });
    const bens = await joinedElsewhere(other, ben, chat.id);
    await ann.api("DELETE", `/api/chats/${chat.id}`);
    await bens.next("chat_deleted", { chat_id: chat.id });
    await bens.settle();
    expect(bens.ws.readyState).toBe(WebSocket.OPEN);
  });

  test("an answer is seen on the other server while it is written, by who comes later too, and stopped from there", async () => {
    const chat = await ann.chat({ with: [ben] });
    world.gemini.respondWith(answerAndHang(say("On and on"), say(" and on")));
    const [anns, early] = [await ann.joined(chat.id), await joinedElsewhere(other, ben, chat.id)];
    await ann.say(chat.id, "/bot for ever?");
    const { message_id: id } = await early.next("bot_stream", { seq: 2 });
    await anns.next("bot_stream", { offset: "On and on".length });
    await early.next("bot_stream", { offset: "On and on".length });
    const late = await joinedElsewhere(other, ben, chat.id);
    expect(await late.next("bot_stream")).toMatchObject({
      offset: 0,
      chunk: "On and on and on",
    });
    const stopped = await elsewhere(
      other,
      ben,
      "POST",
      `/api/chats/${chat.id}/messages/${Number(id)}/stop`,
    );
    expect(stopped).toMatchObject({ status: 200, body: { status: "stopped" } });
    for (const socket of [anns, early, late]) {
      expect(await socket.next("bot_stream", { is_complete: true })).toMatchObject({
        status: "stopped",
        full_response: "On and on and on",
      });
    }
  });

  test("the first to join on a server is shown the text of an answer that runs on the other one", async () => {
    const chat = await ann.chat({ with: [ben] });
    world.gemini.respondWith(answerAndHang(say("Long ago"), say(" there was")));
    const anns = await ann.joined(chat.id);
    await ann.say(chat.id, "/bot tell me");
    const { message_id: id } = await anns.next("bot_stream", { offset: "Long ago".length });
    const first = await joinedElsewhere(other, ben, chat.id);
    expect(await first.next("bot_stream")).toMatchObject({
      message_id: id,
      offset: 0,
      chunk: "Long ago there was",
    });
    await ann.api("POST", `/api/chats/${chat.id}/messages/${Number(id)}/stop`);
    await first.next("bot_stream", { is_complete: true });
  });
});
