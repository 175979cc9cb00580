// Replies: the message that another one answers to.
import { beforeAll, describe, expect, test } from "bun:test";
import { answer, finish, say } from "../world/gemini/script.ts";
import { expectInvalid, expectProblem } from "../http/refusals.ts";
import { useWorld, type Person } from "../world/world.ts";

const world = useWorld();
let ann: Person;
let ben: Person;
let chatId: number;
beforeAll(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
  chatId = (await ann.chat({ with: [ben] })).id;
});

const send = (person: Person, chat: number, body: unknown) =>
  person.api("POST", `/api/chats/${chat}/messages`, body);

const markDeleted = (id: number) => ann.api("DELETE", `/api/chats/${chatId}/messages/${id}`);

describe("a reply", () => {
  test("names its message in the response, in the room, in the history and after a reconnect", async () => {
    const socket = await ben.joined(chatId);
    const first = await ann.say(chatId, "Who comes?");
    const { status, body } = await send(ben, chatId, { content: "I do", reply_to: first.id });
    expect(status).toBe(200);
    expect(body).toMatchObject({ content: "I do", reply_to: first.id });
    expect(await socket.next("message", { message_id: body.id })).toMatchObject({
      reply_to: first.id,
    });
    const { body: history } = await ann.api("GET", `/api/chats/${chatId}/messages?limit=1`);
    expect(history).toEqual([body]);
    const again = await ann.joined(chatId, first.seq);
    expect(again.ofType("message")).toMatchObject([{ message_id: body.id, reply_to: first.id }]);
    await Promise.all([socket.close(), again.close()]);
  });

  test("may be sent by a frame, to one's own message, to a reply, and with null for none", async () => {
    const socket = await ann.socket();
    const own = await ann.say(chatId, "mine");
    const reply = await socket.ask({
      type: "message",
      chat_id: chatId,
      content: "once more",
      reply_to: own.id,
    });
    const { body } = await send(ben, chatId, { content: "yes", reply_to: reply.message_id });
    expect(body.reply_to).toBe(reply.message_id);
    const none = await send(ben, chatId, { content: "no", reply_to: null });
    expect(none.body.reply_to).toBeNull();
    await socket.close();
  });

  test("is refused for another chat's message as for none, and for a deleted one, over both ways", async () => {
    const elsewhere = await (await ann.chat()).id;
    const other = await ann.say(elsewhere, "elsewhere");
    const deleted = await ann.say(chatId, "deleted");
    await markDeleted(deleted.id);
    const before = await ann.api("GET", `/api/chats/${chatId}`);
    const socket = await ann.socket();
    const details = new Set<string>();
    for (const reply_to of [other.id, deleted.id, Number.MAX_SAFE_INTEGER]) {
      const answered = await send(ann, chatId, { content: "a", reply_to });
      expectInvalid(answered, "/reply_to");
      const frame = await socket.ask({ type: "message", chat_id: chatId, content: "a", reply_to });
      expect(frame).toMatchObject({ type: "error", code: "invalid", detail: answered.body.detail });
      details.add(answered.body.detail);
    }
    expect(details.size).toBe(1);
    for (const reply_to of [0, -1, 1.5, "1", {}, Number.MAX_SAFE_INTEGER + 1]) {
      expectInvalid(await send(ann, chatId, { content: "a", reply_to }), "/reply_to");
    }
    expect(await ann.api("GET", `/api/chats/${chatId}`)).toMatchObject({ body: before.body });
    await socket.close();
  });

  test("tells a stranger nothing of the message", async () => {
    const stranger = await world.person("stranger");
    const { id } = await ann.say(chatId, "inside");
    const answers = [];
    for (const reply_to of [id, 4_711_000, undefined]) {
      const answered = await send(stranger, chatId, { content: "a", reply_to });
      expectProblem(answered, 404, "not_found");
      answers.push(answered.body);
    }
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
  });

  test("that is sent again returns the first one, also when its message was deleted since", async () => {
    const [one, two] = [await ann.say(chatId, "one"), await ann.say(chatId, "two")];
    const body = { content: "to one", client_id: crypto.randomUUID(), reply_to: one.id };
    const first = await send(ben, chatId, body);
    expect((await send(ben, chatId, body)).body).toEqual(first.body);
    for (const reply_to of [two.id, null, undefined]) {
      const answered = await send(ben, chatId, { ...body, reply_to });
      expectProblem(answered, 409, "client_id_reused");
    }
    const plain = { content: "plain", client_id: crypto.randomUUID() };
    await send(ben, chatId, plain);
    const changed = await send(ben, chatId, { ...plain, reply_to: one.id });
    expectProblem(changed, 409, "client_id_reused");
    await markDeleted(one.id);
    expect((await send(ben, chatId, body)).body).toEqual(first.body);
    expectInvalid(await send(ben, chatId, { ...body, client_id: "another" }), "/reply_to");
  });

  test("stays one when it and its message are edited or deleted", async () => {
    const one = await ann.say(chatId, "one");
    const { body } = await send(ben, chatId, { content: "to one", reply_to: one.id });
    const path = `/api/chats/${chatId}/messages/${body.id}`;
    const edited = await ben.api("PATCH", path, { content: "to number one" });
    expect(edited.body.reply_to).toBe(one.id);
    await markDeleted(one.id);
    expect((await ben.api("DELETE", path)).body).toMatchObject({ content: "", reply_to: one.id });
  });

  test("with one client id to two messages at once is stored once, and the other is refused", async () => {
    const [one, two] = [await ann.say(chatId, "one"), await ann.say(chatId, "two")];
    const client_id = crypto.randomUUID();
    const answers = await Promise.all(
      [one, two].map(({ id }) => send(ben, chatId, { content: "to it", client_id, reply_to: id })),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
  });

  test("to an answer asks nothing without /bot or @Gemini, and asks with them", async () => {
    const chat = await ann.chat({ with: [ben] });
    const socket = await ann.joined(chat.id);
    world.gemini.respondWith(answer(say("Blue."), finish()));
    await ann.say(chat.id, "/bot which colour?");
    const { message_id: answerId } = await socket.next("bot_stream", { is_complete: true });
    const requests = world.gemini.requests.length;
    await send(ben, chat.id, { content: "Nice, `@Gemini` /bot", reply_to: answerId });
    await socket.settle();
    expect(world.gemini.requests.length).toBe(requests);
    for (const content of ["Why, @Gemini?", "/bot why?"]) {
      world.gemini.respondWith(answer(say("Because."), finish()));
      const { body } = await send(ben, chat.id, { content, reply_to: answerId });
      const [first] = [await socket.next("bot_stream", { answer_to: body.id })];
      await socket.next("bot_stream", { message_id: first.message_id, is_complete: true });
    }
    expect(world.gemini.requests.length).toBe(requests + 2);
    await socket.close();
  });
});
