import { describe, expect, test } from "bun:test";
import { answer, finish, say } from "../world/gemini/script.ts";
import { useWorld } from "../world/world.ts";
import { gateway } from "./asking.ts";
import { answerEnds, room } from "./room.ts";
import { newMessage } from "../world/new-message.ts";

const world = useWorld();

const usage = { promptTokenCount: 12, candidatesTokenCount: 3, totalTokenCount: 15 };

describe("a question", () => {
  test("over a socket is acknowledged, shown to all, then answered piece by piece to all alike", async () => {
    const { chat, annas, bens, anna, messages } = await room(world);
    const gate = gateway();
    world.gemini.respondWith(
      answer(say("Grüße 👋"), gate.step, say(" an\n\nalle."), finish("STOP", usage)),
    );

    const ack = await annas.ask({ type: "message", chat_id: chat.id, content: "/bot  Hi there?" });
    expect(ack).toMatchObject({ type: "ack", seq: 1 });
    await bens.next("bot_stream", { chunk: "Grüße 👋" });
    gate.open();
    const shown = await answerEnds(bens);

    const [question, stored, ...others] = await messages();
    expect(others).toEqual([]);
    expect(question).toMatchObject({
      id: ack.message_id,
      seq: 1,
      updated_seq: 1,
      content: "/bot  Hi there?",
      username: anna.username,
      is_bot: false,
      status: "complete",
      answer_to: null,
    });
    expect(stored).toEqual(
      newMessage({
        id: shown.messageId,
        chat_id: chat.id,
        seq: 2,
        updated_seq: 3,
        user_id: null,
        username: "Gemini",
        content: "Grüße 👋 an\n\nalle.",
        is_bot: true,
        answer_to: Number(ack.message_id),
        created_at: shown.first.created_at,
      }),
    );
    expect(shown.first).toMatchObject({ chat_id: chat.id, seq: 2, answer_to: ack.message_id });
    expect(shown.chunks.map(({ offset, chunk }) => [offset, chunk])).toEqual([
      [0, "Grüße 👋"],
      [8, " an\n\nalle."],
    ]);
    expect(shown.last).toEqual({
      type: "bot_stream",
      chat_id: chat.id,
      message_id: shown.messageId,
      chunk: "",
      is_complete: true,
      offset: 18,
      full_response: stored.content,
      status: "complete",
      updated_seq: 3,
      usage: {
        prompt_tokens: 12,
        answer_tokens: 3,
        thoughts_tokens: 0,
        cached_tokens: 0,
        total_tokens: 15,
      },
    });

    const kinds = ["message", "bot_stream"];
    const [annasFrames, bensFrames] = [annas, bens].map((socket) =>
      socket.frames.filter(({ type }) => kinds.includes(type)),
    );
    expect(annasFrames).toEqual(bensFrames ?? []);
    expect(bensFrames?.map(({ type }) => type)).toEqual([
      "message",
      ...Array.from({ length: 4 }, () => "bot_stream"),
    ]);
    const after = await anna.api("GET", `/api/chats/${chat.id}`);
    expect(after.body.last_seq).toBe(3);
  });

  test("over HTTP is returned before its answer has begun, and answered to the room", async () => {
    const { chat, anna, bens, messages } = await room(world);
    const gate = gateway();
    world.gemini.respondWith(answer(gate.step, say("Late"), say("r."), finish()));

    const question = await anna.say(chat.id, "/bot and now?");
    expect(question).toMatchObject({ seq: 1, content: "/bot and now?", is_bot: false });
    expect(await messages()).toMatchObject([
      { id: question.id },
      { content: "", status: "streaming", is_bot: true, answer_to: question.id, updated_seq: 2 },
    ]);
    expect(await bens.next("message")).toMatchObject({ message_id: question.id, seq: 1 });
    expect(await bens.next("bot_stream")).toMatchObject({
      chunk: "",
      offset: 0,
      is_complete: false,
      seq: 2,
      answer_to: question.id,
    });

    gate.open();
    const shown = await answerEnds(bens);
    expect(shown.text).toBe("Later.");
    expect(shown.last).toMatchObject({ status: "complete", updated_seq: 3, usage: null });
    expect(shown.last).not.toHaveProperty("error");
    expect((await messages())[1]).toMatchObject({ content: "Later.", status: "complete" });
  });

  test("is answered too when nobody has joined the room", async () => {
    const anna = await world.person("anna");
    const chat = await anna.chat();
    const gate = gateway();
    world.gemini.respondWith(answer(say("Unheard."), gate.step, finish()));
    await anna.say(chat.id, "/bot anyone?");
    await gate.reached;
    const socket = await anna.joined(chat.id);
    gate.open();
    await socket.next("bot_stream", { is_complete: true, full_response: "Unheard." });
  });

  test("blocks neither the socket that asked, nor its room, nor another question in it", async () => {
    const { chat, annas, bens } = await room(world);
    const [slow, slower] = [gateway(), gateway()];
    const say_ = (content: string) => annas.ask({ type: "message", chat_id: chat.id, content });
    world.gemini.respondWith(
      answer(say("one "), slow.step, say("two"), finish()),
      answer(say("eins "), slower.step, say("zwei"), finish()),
    );

    const first = await say_("/bot count");
    await slow.reached;
    const second = await say_("/bot zähle");
    await slower.reached;
    expect((await annas.ask({ type: "ping" })).type).toBe("pong");
    expect(await say_("meanwhile")).toMatchObject({ type: "ack", seq: 5 });
    await bens.next("message", { content: "meanwhile" });

    slower.open();
    const late = await answerEnds(bens);
    expect(late).toMatchObject({
      text: "eins zwei",
      first: { answer_to: second.message_id, seq: 4 },
      last: { updated_seq: 6 },
    });
    slow.open();
    const early = await answerEnds(bens);
    expect(early).toMatchObject({
      text: "one two",
      first: { answer_to: first.message_id, seq: 2 },
      last: { updated_seq: 7 },
    });
  });
});

test("ten answers at once in ten rooms hold up no plain message, and none shows in another room", async () => {
  const rooms = await Promise.all(Array.from({ length: 10 }, () => room(world)));
  const gates = rooms.map(() => gateway());
  for (const [index, { chat, annas }] of rooms.entries()) {
    const gate = gates[index];
    if (!gate) throw new Error("a room without a gate");
    world.gemini.respondWith(
      answer(say(`room ${chat.id} `), gate.step, say(`is ${chat.id}`), finish()),
    );
    // One after the other, so that each room gets the script that was written for it.
    await annas.ask({ type: "message", chat_id: chat.id, content: "/bot which room?" });
    await gate.reached;
  }

  await Promise.all(
    rooms.map(async ({ chat, annas, anna, ben, bens }) => {
      const [acked] = await Promise.all([
        annas.ask({ type: "message", chat_id: chat.id, content: "from the asking socket" }),
        ben.say(chat.id, "over HTTP"),
      ]);
      expect(acked.type).toBe("ack");
      await bens.next("message", { username: anna.username, content: "from the asking socket" });
    }),
  );
  expect(rooms.flatMap(({ bens }) => bens.frames.filter((frame) => frame.is_complete))).toEqual([]);

  for (const gate of gates) gate.open();
  for (const { chat, annas, bens } of rooms) {
    for (const socket of [annas, bens]) {
      const shown = await answerEnds(socket);
      expect(shown.text).toBe(`room ${chat.id} is ${chat.id}`);
      expect(shown.last.status).toBe("complete");
      expect(new Set(socket.frames.map((frame) => frame.chat_id).filter(Boolean))).toEqual(
        new Set([chat.id]),
      );
    }
  }
});
