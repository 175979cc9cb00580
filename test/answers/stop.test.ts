import { describe, expect, test } from "bun:test";
import { answer, answerAndHang, finish, refuse, say } from "../world/gemini/script.ts";
import { useWorld } from "../world/world.ts";
import { gateway, whenAborted } from "./asking.ts";
import { answerEnds, lastRequest, room } from "./room.ts";

const world = useWorld();

/** A room in which anna's question is being answered, and goes on for ever. */
async function answering(text = "On and on") {
  const here = await room(world);
  world.gemini.respondWith(answerAndHang(say(text)));
  await here.anna.say(here.chat.id, "/bot for ever?");
  const { message_id: id } = await here.annas.next("bot_stream", { chunk: text });
  const messageId = Number(id);
  return {
    ...here,
    messageId,
    request: lastRequest(world),
    path: `/api/chats/${here.chat.id}/messages/${messageId}/stop`,
    frame: { type: "stop", chat_id: here.chat.id, message_id: messageId },
  };
}

describe("stopping a running answer", () => {
  test("over HTTP, by another participant, keeps its text, tells all and ends the request", async () => {
    const { annas, ben, bens, path, messageId, request, messages } = await answering();
    const { status, body } = await ben.api("POST", path);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      id: messageId,
      status: "stopped",
      content: "On and on",
      seq: 2,
      updated_seq: 3,
      is_bot: true,
    });
    expect((await messages())[1]).toEqual(body);
    for (const socket of [annas, bens]) {
      const shown = await answerEnds(socket);
      expect(shown).toMatchObject({ messageId, text: "On and on" });
      expect(shown.last).toMatchObject({ status: "stopped", updated_seq: 3, usage: null });
      expect(shown.last).not.toHaveProperty("error");
    }
    await whenAborted(request.aborted);
  });

  test("over a socket that has not joined, by who did not ask, is acknowledged once it is stored", async () => {
    const { ben, bens, frame, request, messages } = await answering();
    const outside = await ben.socket();
    expect(await outside.ask(frame)).toMatchObject({ type: "ack" });
    expect((await messages())[1]).toMatchObject({ status: "stopped", content: "On and on" });
    await whenAborted(request.aborted);
    expect((await answerEnds(bens)).last.status).toBe("stopped");
    await outside.settle();
    expect(outside.ofType("bot_stream")).toEqual([]);
  });

  test("before its first word leaves an empty one, and the next question is answered", async () => {
    const { chat, anna, annas } = await room(world);
    const gate = gateway();
    world.gemini.respondWith(answer(gate.step, say("too late"), finish()));
    await anna.say(chat.id, "/bot hello?");
    const first = await annas.next("bot_stream");
    await gate.reached;
    const path = `/api/chats/${chat.id}/messages/${first.message_id}/stop`;
    expect((await anna.api("POST", path)).body).toMatchObject({ status: "stopped", content: "" });
    gate.open();
    const shown = await answerEnds(annas);
    expect(shown).toMatchObject({ text: "", last: { status: "stopped" } });
    world.gemini.respondWith(answer(say("Here."), finish()));
    await anna.say(chat.id, "/bot still there?");
    expect(await answerEnds(annas)).toMatchObject({ text: "Here.", last: { status: "complete" } });
    expect(annas.frames.filter((frame) => frame.is_complete)).toHaveLength(2);
  });

  test("stops that answer alone", async () => {
    const one = await answering("one");
    const other = await answering("other");
    await one.anna.api("POST", one.path);
    await whenAborted(one.request.aborted);
    expect(other.request.aborted.aborted).toBe(false);
    await other.annas.settle();
    expect(other.annas.frames.filter((frame) => frame.is_complete)).toEqual([]);
    expect((await other.messages())[1].status).toBe("streaming");
    expect(await other.bens.ask(other.frame)).toMatchObject({ type: "ack" });
  });

  test("by both at once stops it once", async () => {
    const { anna, ben, annas, bens, path, frame, chat } = await answering();
    const replies = await Promise.all([
      anna.api("POST", path),
      ben.api("POST", path),
      annas.ask(frame),
      bens.ask(frame),
    ]);
    for (const reply of replies) {
      const refused = "status" in reply ? reply.status === 409 : reply.code === "answer_ended";
      if (!refused) expect("status" in reply ? reply.status : reply.type).toBeOneOf([200, "ack"]);
    }
    expect((await answerEnds(annas)).last.updated_seq).toBe(3);
    expect(annas.frames.filter(({ is_complete }) => is_complete)).toHaveLength(1);
    expect((await anna.api("GET", `/api/chats/${chat.id}`)).body.last_seq).toBe(3);
  });
});

describe("a stop is refused", () => {
  test("for an answer that has ended, however it did", async () => {
    const { chat, anna, annas, messages } = await room(world);
    const ends = [
      answer(say("Complete."), finish()),
      answer(say("Broken")),
      refuse(400),
      answer(say("Long"), finish("MAX_TOKENS")),
    ];
    for (const script of ends) {
      world.gemini.respondWith(script);
      await anna.say(chat.id, "/bot well?");
      const { messageId } = await answerEnds(annas);
      const before = await messages();
      const refused = await anna.api("POST", `/api/chats/${chat.id}/messages/${messageId}/stop`);
      expect(refused.status).toBe(409);
      expect(refused.body.type).toBe("/problems/answer_ended");
      const frame = await annas.ask({ type: "stop", chat_id: chat.id, message_id: messageId });
      expect(frame).toMatchObject({ type: "error", code: "answer_ended", chat_id: chat.id });
      expect(frame.detail).toBe(refused.body.detail);
      expect(await messages()).toEqual(before);
    }
  });

  test("for a person's message", async () => {
    const { chat, anna, annas } = await room(world);
    const said = await anna.say(chat.id, "no answer");
    const path = `/api/chats/${chat.id}/messages/${said.id}/stop`;
    expect((await anna.api("POST", path)).status).toBe(409);
    const frame = await annas.ask({ type: "stop", chat_id: chat.id, message_id: said.id });
    expect(frame.code).toBe("answer_ended");
  });

  test("to a stranger, to who was removed, and without a token; the answer goes on", async () => {
    const { chat, anna, annas, ben, path, frame, request } = await answering();
    const stranger = await world.person("stranger");
    await anna.api("DELETE", `/api/chats/${chat.id}/participants/${ben.id}`);
    for (const somebody of [stranger, ben]) {
      const refused = await somebody.api("POST", path);
      expect(refused.status).toBe(404);
      expect(refused.body.type).toBe("/problems/not_found");
      const socket = await somebody.socket();
      expect(await socket.ask(frame)).toMatchObject({ type: "error", code: "not_found" });
    }
    expect((await world.call("POST", path)).status).toBe(401);
    await annas.settle();
    expect(annas.frames.filter(({ is_complete }) => is_complete)).toEqual([]);
    expect(request.aborted.aborted).toBe(false);
    expect((await anna.api("POST", path)).status).toBe(200);
  });

  test("through another chat, for a message that is not there, and for what is no id", async () => {
    const { chat, anna, annas, messageId } = await answering();
    const elsewhere = await anna.chat();
    const stop = (chatId: unknown, id: unknown) =>
      anna.api("POST", `/api/chats/${String(chatId)}/messages/${String(id)}/stop`);
    expect((await stop(elsewhere.id, messageId)).status).toBe(404);
    expect((await stop(chat.id, messageId + 1_000)).status).toBe(404);
    expect((await stop(chat.id, "x")).status).toBe(422);
    expect((await stop(chat.id, 0)).status).toBe(422);
    const frames = [
      [{ chat_id: elsewhere.id, message_id: messageId }, "not_found"],
      [{ chat_id: chat.id, message_id: messageId + 1_000 }, "not_found"],
      [{ chat_id: chat.id, message_id: "x" }, "invalid"],
      [{ chat_id: chat.id }, "invalid"],
    ] as const;
    for (const [members, code] of frames) {
      expect(await annas.ask({ type: "stop", ...members })).toMatchObject({ type: "error", code });
    }
    expect((await stop(chat.id, messageId)).body).toMatchObject({ status: "stopped" });
  });
});
