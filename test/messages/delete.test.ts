// Deleted messages: who may delete them, what stays, and what no longer shows their text.
import { describe, expect } from "bun:test";
import { answer, finish, say } from "../world/gemini/script.ts";
import { useWorld, type Person } from "../world/world.ts";
import { answerEnds, lastRequest, room } from "../answers/room.ts";
import { expectProblem, time } from "../http/refusals.ts";
import { auditedDeletions, lastSeqOf, pathOf } from "./one-message.ts";
import { longTest, test } from "../world/long.ts";

const world = useWorld();

/** A room in which ben has said something; anna owns it, and cat is a member. */
async function withMessage(content = "Oops") {
  const here = await room(world);
  const cat = await world.person("cat");
  await here.anna.api("POST", `/api/chats/${here.chat.id}/invite`, { username: cat.username });
  const message = await here.ben.say(here.chat.id, content, "first");
  return { ...here, cat, message, path: pathOf(here.chat.id, message.id) };
}

async function deleted(person: Person, path: string) {
  const { status, body } = await person.api("DELETE", path);
  expect(status).toBe(200);
  return body;
}

describe("a message that its author deletes", () => {
  test("keeps its number and its author, has no text, and everybody in the room is told", async () => {
    const { chat, anna, ben, annas, bens, message, path } = await withMessage();
    await ben.api("PATCH", path, { content: "Oops!" });
    const body = await deleted(ben, path);
    expect(body).toEqual({
      ...message,
      content: "",
      updated_seq: message.seq + 2,
      deleted_at: time,
    });
    const { id, ...members } = body;
    for (const socket of [annas, bens]) {
      await socket.next("message_updated", { content: "Oops!" });
      expect(await socket.next("message_updated")).toEqual({
        type: "message_updated",
        message_id: id,
        ...members,
      });
    }
    expect((await anna.api("GET", path)).body).toEqual(body);
    expect((await anna.api("GET", `/api/chats/${chat.id}/messages`)).body).toEqual([body]);
    expect((await anna.api("GET", `${path}/versions`)).body).toEqual([]);
    expect(await auditedDeletions(world, chat.id)).toEqual([]);
  });

  test("can be deleted once more, by a frame, too, without a number", async () => {
    const { chat, anna, ben, annas, message, path } = await withMessage();
    const frame = { type: "delete", chat_id: chat.id, message_id: message.id };
    expect(await (await ben.socket()).ask(frame)).toEqual({
      type: "ack",
      request_id: expect.any(String),
      message_id: message.id,
      seq: message.seq,
      updated_seq: message.seq + 1,
    });
    const [again, owners] = [await deleted(ben, path), await deleted(anna, path)];
    expect(again).toMatchObject({ updated_seq: message.seq + 1, content: "" });
    expect(owners).toEqual(again);
    await annas.settle();
    expect(annas.ofType("message_updated")).toHaveLength(1);
    expect(await lastSeqOf(world, chat.id)).toBe(message.seq + 1);
  });

  test("is deleted once by two requests at the same time", async () => {
    const { chat, anna, ben, message, path } = await withMessage();
    const replies = await world.whileLocked(chat.id, 2, () =>
      Promise.all([ben.api("DELETE", path), anna.api("DELETE", path)]),
    );
    expect(replies.map(({ status }) => status)).toEqual([200, 200]);
    expect(replies[0]?.body).toEqual(replies[1]?.body);
    expect(await lastSeqOf(world, chat.id)).toBe(message.seq + 1);
  });

  test("has no text left when it is edited at the same time, whichever comes first", async () => {
    const { chat, ben, message, path } = await withMessage("the first text");
    const [edited] = await world.whileLocked(chat.id, 2, async () =>
      Promise.all([
        ben.api("PATCH", path, { content: "the second text" }),
        world.untilBlocked().then(() => ben.api("DELETE", path)),
      ]),
    );
    expect([200, 409]).toContain(edited.status);
    expect((await ben.api("GET", path)).body).toMatchObject({ content: "", deleted_at: time });
    const kept = await world.sql`select from message_versions where message_id = ${message.id}`;
    expect(kept).toHaveLength(0);
  });
});

describe("deleting", () => {
  test("another person's message is for the chat's owner, and leaves an audit event", async () => {
    const { chat, anna, ben, cat, message, path } = await withMessage();
    const stranger = await world.person("stranger");
    expectProblem(await cat.api("DELETE", path), 403, "forbidden");
    expectProblem(await stranger.api("DELETE", path), 404, "not_found");
    const frame = { type: "delete", chat_id: chat.id, message_id: message.id };
    expect(await (await cat.socket()).ask(frame)).toMatchObject({ code: "forbidden" });
    expect((await ben.api("GET", path)).body).toEqual(message);
    await deleted(anna, path);
    const refused = { actor_id: cat.id, outcome: "forbidden", details: { message_id: message.id } };
    expect(await auditedDeletions(world, chat.id)).toEqual([
      refused,
      refused,
      { actor_id: anna.id, outcome: "ok", details: { message_id: message.id, user_id: ben.id } },
    ]);
    expectProblem(await cat.api("DELETE", path), 403, "forbidden");
  });

  test("the owner's message is not for its author once they have left, nor for a member", async () => {
    const { chat, anna, ben, cat, path } = await withMessage();
    const { id } = await anna.say(chat.id, "the owner's");
    expectProblem(await ben.api("DELETE", pathOf(chat.id, id)), 403, "forbidden");
    await ben.api("POST", `/api/chats/${chat.id}/leave`);
    expectProblem(await ben.api("DELETE", path), 404, "not_found");
    await anna.api("PATCH", `/api/chats/${chat.id}`, { owner_id: cat.id });
    expectProblem(await anna.api("DELETE", path), 403, "forbidden");
    await deleted(cat, path);
  });

  test("what is no message of the chat is 404", async () => {
    const { chat, ben, message } = await withMessage();
    const other = await ben.chat();
    for (const path of [pathOf(other.id, message.id), pathOf(chat.id, 999_999_999)]) {
      expectProblem(await ben.api("DELETE", path), 404, "not_found");
      expectProblem(await ben.api("GET", path), 404, "not_found");
      expectProblem(await ben.api("GET", `${path}/versions`), 404, "not_found");
    }
  });
});

describe("a retry of the send", () => {
  test("returns what stays, whatever its content, shows nobody anything and asks nothing", async () => {
    const { chat, ben, annas, message, path } = await withMessage();
    const body = await deleted(ben, path);
    const asked = world.gemini.requests.length;
    for (const content of ["Oops", "Other", "/bot well?"]) {
      expect(await ben.say(chat.id, content, "first")).toEqual(body);
    }
    const socket = await ben.socket();
    const frame = { type: "message", chat_id: chat.id, content: "Oops", client_id: "first" };
    expect(await socket.ask(frame)).toMatchObject({ type: "ack", message_id: message.id });
    await annas.settle();
    expect(annas.ofType("message")).toHaveLength(1);
    expect(world.gemini.requests).toHaveLength(asked);
    expect(await lastSeqOf(world, chat.id)).toBe(Number(body.updated_seq));
  });
});

describe("later", () => {
  test("prompts leave a deleted message out, and nobody who joins is shown its text", async () => {
    const { chat, anna, ben, annas, message, path } = await withMessage("my secret word");
    await anna.say(chat.id, "a plain word");
    await deleted(ben, path);
    world.gemini.respondWith(answer(say("Yes."), finish()));
    await anna.say(chat.id, "/bot well?");
    await answerEnds(annas);
    const sent = JSON.stringify(lastRequest(world).body);
    expect(sent).toContain("a plain word");
    expect(sent).not.toContain("secret");
    const joined = await ben.joined(chat.id, message.seq);
    const shown = joined.ofType("message").filter((each) => each.message_id === message.id);
    expect(shown).toEqual([expect.objectContaining({ content: "", deleted_at: time })]);
    expect(JSON.stringify(joined.frames)).not.toContain("secret");
  });

  longTest(
    "the list of chats shows nothing of the newest message, nor does a frame that was waiting",
    async () => {
      const { chat, anna, ben } = await withMessage();
      const annas = await anna.socket();
      await ben.say(chat.id, "one");
      await annas.next("chat_activity");
      const secret = await ben.say(chat.id, "a secret");
      await deleted(ben, pathOf(chat.id, secret.id));
      expect(await annas.next("chat_activity")).toMatchObject({
        seq: secret.seq,
        last_message: "",
      });
      const list = await anna.api("GET", "/api/chats");
      const shown = list.body.find(({ id }: { id: number }) => id === chat.id);
      expect(shown).toMatchObject({ last_message: "", last_message_time: secret.created_at });
      expect(JSON.stringify(annas.frames)).not.toContain("a secret");
    },
  );
});
