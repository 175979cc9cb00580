import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { answer, answerAndHang, finish, say } from "../world/gemini/script.ts";
import { startWorld, useWorld } from "../world/world.ts";
import { answerEnds, room } from "./room.ts";

// Worlds of their own take a second each, on a busy machine several.
setDefaultTimeout(20_000);

const world = useWorld();

const retriesMax = 50;

describe("a question that is sent again with its client_id", () => {
  test.each([
    { where: "a group", more: {}, content: "/bot once?" },
    { where: "an AI chat", more: { is_ai_chat: true, is_group: false }, content: "once?" },
  ])(
    "in $where, 50 times at once over HTTP and sockets, is one message, one request, one answer",
    async ({ more, content }) => {
      const { chat, anna, annas, bens, messages } = await room(world, more);
      const sockets = await Promise.all(Array.from({ length: 5 }, () => anna.socket()));
      const requests = world.gemini.requests.length;
      world.gemini.respondWith(answer(say("Once."), finish()));

      const input = { content, client_id: "the-one" };
      const replies = await Promise.all(
        Array.from({ length: retriesMax }, async (_, index) => {
          const socket = sockets[index % 10];
          if (socket) {
            const reply = await socket.ask({ type: "message", chat_id: chat.id, ...input });
            return [reply.type, reply.message_id, reply.seq];
          }
          const { status, body } = await anna.api("POST", `/api/chats/${chat.id}/messages`, input);
          return [status === 200 ? "ack" : body, body.id, body.seq];
        }),
      );
      const shown = await answerEnds(bens);
      const [question, stored, ...others] = (await messages()).slice(chat.last_seq);
      expect(others).toEqual([]);
      const seq = chat.last_seq + 1;
      expect(question).toMatchObject({ seq, content, client_id: "the-one" });
      expect(stored).toMatchObject({ content: "Once.", answer_to: question.id });
      expect(replies).toEqual(replies.map(() => ["ack", question.id, seq]));
      expect(shown).toMatchObject({ text: "Once.", messageId: stored.id });
      expect(world.gemini.requests.length).toBe(requests + 1);

      for (const socket of [annas, bens]) {
        await socket.settle();
        expect(socket.ofType("message")).toHaveLength(1);
        expect(socket.frames.filter((frame) => frame.is_complete)).toHaveLength(1);
      }
      const { body } = await anna.api("GET", `/api/chats/${chat.id}`);
      expect(body.last_seq).toBe(seq + 2);
    },
  );

  test("long after its answer, also after a restart, gets the first message and no new answer", async () => {
    const { chat, anna, annas, messages } = await room(world);
    world.gemini.respondWith(answer(say("Done."), finish()));
    const first = await anna.say(chat.id, "/bot do it", "again");
    await answerEnds(annas);
    const before = await messages();
    const requests = world.gemini.requests.length;
    for (const restarted of [false, true]) {
      if (restarted) await world.restart();
      expect(await anna.say(chat.id, "/bot do it", "again")).toEqual(first);
      const socket = await anna.joined(chat.id);
      const ack = await socket.ask({
        type: "message",
        chat_id: chat.id,
        content: "/bot do it",
        client_id: "again",
      });
      expect(ack).toMatchObject({ type: "ack", message_id: first.id, seq: first.seq });
      await socket.settle();
      expect(socket.ofType("bot_stream")).toEqual([]);
    }
    expect(await messages()).toEqual(before);
    expect(world.gemini.requests.length).toBe(requests);
  });

  test("but other words is refused, and nobody is asked", async () => {
    const { chat, anna, annas, messages } = await room(world);
    world.gemini.respondWith(answer(say("A."), finish()));
    await anna.say(chat.id, "/bot a", "taken");
    await answerEnds(annas);
    await anna.say(chat.id, "plain", "plain");
    const before = await messages();
    const requests = world.gemini.requests.length;
    for (const [content, client_id] of [
      ["/bot b", "taken"],
      ["a", "taken"],
      ["/bot plain", "plain"],
    ]) {
      const refused = await anna.api("POST", `/api/chats/${chat.id}/messages`, {
        content,
        client_id,
      });
      expect(refused.status).toBe(409);
      expect(refused.body.type).toBe("/problems/client_id_reused");
      const frame = await annas.ask({ type: "message", chat_id: chat.id, content, client_id });
      expect(frame).toMatchObject({ type: "error", code: "client_id_reused" });
    }
    expect(await messages()).toEqual(before);
    expect(world.gemini.requests.length).toBe(requests);
  });

  test("by somebody else is another question", async () => {
    const { chat, anna, ben, annas } = await room(world);
    world.gemini.respondWith(answer(say("A."), finish()), answer(say("B."), finish()));
    const first = await anna.say(chat.id, "/bot same", "same");
    expect((await answerEnds(annas)).first.answer_to).toBe(first.id);
    const second = await ben.say(chat.id, "/bot same", "same");
    expect(second.id).not.toBe(first.id);
    expect(await answerEnds(annas)).toMatchObject({ text: "B.", first: { answer_to: second.id } });
  });

  test("while no other answer may begin still gets the first message", async () => {
    const single = await startWorld({ env: { BUDGET_ANSWERS_TOTAL: "1" } });
    const { chat, anna, annas } = await room(single);
    single.gemini.respondWith(answerAndHang(say("Running")));
    const first = await anna.say(chat.id, "/bot go", "go");
    await annas.next("bot_stream", { chunk: "Running" });

    expect(await anna.say(chat.id, "/bot go", "go")).toEqual(first);
    const frame = { type: "message", chat_id: chat.id, content: "/bot go", client_id: "go" };
    expect(await annas.ask(frame)).toMatchObject({ type: "ack", message_id: first.id });
    expect(await annas.ask({ ...frame, content: "/bot other" })).toMatchObject({
      code: "client_id_reused",
    });
    expect(await annas.ask({ ...frame, client_id: "new" })).toMatchObject({
      code: "quota_exceeded",
    });
    const stranger = await single.person("stranger");
    const socket = await stranger.socket();
    expect(await socket.ask(frame)).toMatchObject({ type: "error" });
    expect(single.gemini.requests).toHaveLength(1);
    await single.stop();
  });
});
