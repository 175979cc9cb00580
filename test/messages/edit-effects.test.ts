// Effects of an edit: on questions and answers, on retries, and on those who load the message later.
import { describe, expect } from "bun:test";
import { answer, answerAndHang, finish, say } from "../world/gemini/script.ts";
import { useWorld } from "../world/world.ts";
import { answerEnds, lastRequest, room } from "../answers/room.ts";
import { time } from "../http/refusals.ts";
import { lastSeqOf, pathOf } from "./one-message.ts";
import { longTest, test } from "../world/long.ts";

const world = useWorld();

/** A room in which ben has said something; anna owns it. */
async function withMessage(content = "Helo") {
  const here = await room(world);
  const message = await here.ben.say(here.chat.id, content, "first");
  return { ...here, message, path: pathOf(here.chat.id, message.id) };
}

describe("the edit of a question", () => {
  test("asks nothing, whether the text begins or no longer begins with /bot", async () => {
    const { chat, anna, annas } = await room(world);
    world.gemini.respondWith(answer(say("Yes."), finish()));
    const question = await anna.say(chat.id, "/bot well?");
    const { messageId } = await answerEnds(annas);
    const plain = await anna.say(chat.id, "well?");
    const asked = world.gemini.requests.length;
    await anna.api("PATCH", pathOf(chat.id, question.id), { content: "/bot really?" });
    await anna.api("PATCH", pathOf(chat.id, question.id), { content: "Never mind" });
    await anna.api("PATCH", pathOf(chat.id, plain.id), { content: "/bot well?" });
    const { body } = await anna.api("GET", `/api/chats/${chat.id}/messages`);
    expect(body.map(({ id }: { id: number }) => id)).toEqual([question.id, messageId, plain.id]);
    expect(world.gemini.requests).toHaveLength(asked);
    expect(body[1]).toMatchObject({ content: "Yes.", answer_to: question.id, edited_at: null });
  });

  test("keeps it a question that can be asked again, with the text that it has then", async () => {
    const { chat, anna, annas } = await room(world);
    world.gemini.respondWith(answer(say("Yes."), finish()), answer(say("No."), finish()));
    const question = await anna.say(chat.id, "/bot well?");
    await answerEnds(annas);
    const path = pathOf(chat.id, question.id);
    await anna.api("PATCH", path, { content: "Really?" });
    expect((await anna.api("POST", `${path}/regenerate`)).status).toBe(200);
    expect(await answerEnds(annas)).toMatchObject({ text: "No." });
    expect(JSON.stringify(lastRequest(world).body)).toContain("Really?");
    const plain = await anna.say(chat.id, "a plain message");
    expect(await anna.api("POST", `${pathOf(chat.id, plain.id)}/regenerate`)).toMatchObject({
      status: 422,
    });
  });

  test("lets the running answer go on, and its receipt is flagged", async () => {
    const { chat, anna, annas } = await room(world);
    world.gemini.respondWith(answerAndHang(say("So far")));
    const question = await anna.say(chat.id, "/bot well?");
    const { message_id: id } = await annas.next("bot_stream", { chunk: "So far" });
    await anna.api("PATCH", pathOf(chat.id, question.id), { content: "/bot really?" });
    const context = await anna.api("GET", `${pathOf(chat.id, id)}/context`);
    expect(context.body).toMatchObject({
      changed: true,
      messages: [{ id: question.id, updated_seq: question.seq, changed: true }],
    });
    const { body } = await anna.api("POST", `${pathOf(chat.id, id)}/stop`);
    expect(body).toMatchObject({ status: "stopped", content: "So far" });
  });
});

describe("a retry of the send", () => {
  test("with the first content returns the edited message, and shows nobody anything", async () => {
    const { chat, ben, annas, message, path } = await withMessage();
    const { body: edited } = await ben.api("PATCH", path, { content: "Hello" });
    await ben.api("PATCH", path, { content: "Hello!" });
    const { body: latest } = await ben.api("PATCH", path, { content: "Hello" });
    const socket = await ben.joined(chat.id);
    expect(await ben.say(chat.id, "Helo", "first")).toEqual(latest);
    const frame = { type: "message", chat_id: chat.id, client_id: "first" };
    expect(await socket.ask({ ...frame, content: "Helo" })).toMatchObject({
      type: "ack",
      message_id: message.id,
      seq: message.seq,
    });
    const refused = await socket.ask({ ...frame, content: edited.content });
    expect(refused).toMatchObject({ type: "error", code: "client_id_reused" });
    await annas.settle();
    expect(annas.ofType("message")).toHaveLength(1);
    expect(socket.ofType("message")).toEqual([]);
    expect(await lastSeqOf(world, chat.id)).toBe(4);
  });

  test("of a question that was edited asks nothing once more", async () => {
    const { chat, anna, annas } = await room(world);
    world.gemini.respondWith(answer(say("Yes."), finish()));
    const question = await anna.say(chat.id, "/bot well?", "asked");
    await answerEnds(annas);
    const { body } = await anna.api("PATCH", pathOf(chat.id, question.id), { content: "Well." });
    const asked = world.gemini.requests.length;
    expect(await anna.say(chat.id, "/bot well?", "asked")).toEqual(body);
    expect(await anna.say(chat.id, "/bot other?", "asked")).toMatchObject({ status: 409 });
    expect(world.gemini.requests).toHaveLength(asked);
    expect(await lastSeqOf(world, chat.id)).toBe(4);
  });
});

describe("who was away", () => {
  test("gets an edited message once, in its latest state", async () => {
    const { chat, anna, ben, message, path } = await withMessage();
    await anna.say(chat.id, "between");
    await ben.api("PATCH", path, { content: "two" });
    await ben.api("PATCH", path, { content: "three" });
    const after = await anna.joined(chat.id, 2);
    expect(after.ofType("message").map((each) => [each.message_id, each.updated_seq])).toEqual([
      [message.id, 4],
    ]);
    expect(after.ofType("message")[0]).toMatchObject({ content: "three", edited_at: time });
    const all = await anna.joined(chat.id, 0);
    expect(all.ofType("message").map(({ content }) => content)).toEqual(["between", "three"]);
  });
});

describe("a socket of a client of the FastAPI server", () => {
  test("gets the flat frame, without a nested message", async () => {
    const { chat, anna, ben, path } = await withMessage();
    const merged = await anna.socket({ isMerged: true });
    await merged.ask({ type: "join", chat_id: chat.id });
    await ben.api("PATCH", path, { content: "Hello" });
    const frame = await merged.next("message_updated");
    expect(frame).toMatchObject({ content: "Hello" });
    expect(frame).not.toHaveProperty("message");
  });
});

describe("the list of chats", () => {
  longTest(
    "shows the edited text of the newest message, also to sockets that have not joined",
    async () => {
      const { chat, anna, ben, message, path } = await withMessage();
      const annas = await anna.socket();
      await ben.api("PATCH", path, { content: "Hello" });
      expect(await annas.next("chat_activity")).toMatchObject({
        seq: message.seq,
        last_message: "Hello",
        last_message_time: message.created_at,
      });
      const list = await anna.api("GET", "/api/chats");
      const shown = list.body.find(({ id }: { id: number }) => id === chat.id);
      expect(shown).toMatchObject({ last_message: "Hello", unread_count: 1 });
      await anna.say(chat.id, "newer");
      await annas.next("chat_activity", { last_message: "newer" });
      await ben.api("PATCH", path, { content: "Hello again" });
      await anna.say(chat.id, "newest");
      await annas.next("chat_activity", { last_message: "newest" });
      expect(annas.ofType("chat_activity").map((each) => each.last_message)).not.toContain(
        "Hello again",
      );
    },
  );
});
