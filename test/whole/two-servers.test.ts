// Several servers on one database, one of them perhaps about to go down.
import { beforeAll, expect } from "bun:test";
import type { RunningServer } from "../../src/server.ts";
import { room } from "../answers/room.ts";
import { uploaded } from "../attachments/files.ts";
import { answerAndHang, say } from "../world/gemini/script.ts";
import { longTest, test } from "../world/long.ts";
import { useWorld, type Person } from "../world/world.ts";

const world = useWorld();
let other: RunningServer;
beforeAll(() => {
  other = world.startAnother();
});

test.each([
  ["", false],
  [" with a file", true],
])(
  "a message%s that two servers are sent at once under one client id is stored once, and both say so",
  async (_, hasFile) => {
    const ann = await world.person();
    const chat = await ann.chat();
    const files = hasFile
      ? [(await uploaded(world, ann, chat.id, "text", { name: "a.txt" })).id]
      : [];
    const send = async (url: string) => {
      const response = await fetch(`${url}/api/chats/${chat.id}/messages`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${ann.token}` },
        body: JSON.stringify({ content: "hello", client_id: "one", attachment_ids: files }),
      });
      return { status: response.status, body: JSON.parse(await response.text()) };
    };
    const answers = await world.whileLocked(chat.id, 2, () =>
      Promise.all([send(world.url), send(other.url)]),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers[0]?.body).toEqual(answers[1]?.body);
    const { body: history } = await ann.api("GET", `/api/chats/${chat.id}/messages`);
    expect(history).toHaveLength(1);
  },
);

longTest(
  "who listens to a chat that another server has deleted has to come back, and finds it gone",
  async () => {
    const [ann, ben] = [await world.person(), await world.person()];
    const [chat, kept] = [await ann.chat({ with: [ben] }), await ann.chat()];
    const [listening, elsewhere] = [await ben.joined(chat.id), await ann.joined(kept.id)];
    const deleted = await fetch(`${other.url}/api/chats/${chat.id}`, {
      method: "DELETE",
      headers: { authorization: `Bearer ${ann.token}` },
    });
    expect(deleted.status).toBe(200);
    expect(await listening.closed).toMatchObject({
      code: 1013,
      reason: expect.stringMatching(/^unavailable: /),
    });
    expect((await ben.api("GET", "/api/chats")).body).toEqual([]);
    await elsewhere.settle();
    expect(world.ctx.realtime.rooms.chatIds()).toEqual([kept.id]);
  },
);

/** A request to the other server. */
async function elsewhere(person: Person, method: string, path: string, body?: object) {
  const response = await fetch(other.url + path, {
    method,
    headers: { "content-type": "application/json", authorization: `Bearer ${person.token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: JSON.parse(await response.text()) };
}

longTest("an edit and a deletion on one server reach who listens on the other", async () => {
  const [ann, ben] = [await world.person(), await world.person()];
  const chat = await ann.chat({ with: [ben] });
  const listening = await ann.joined(chat.id);
  const [first, second] = [await ben.say(chat.id, "Helo"), await ben.say(chat.id, "Oops")];
  const path = `/api/chats/${chat.id}/messages`;
  await elsewhere(ben, "PATCH", `${path}/${first.id}`, { content: "Hello" });
  await elsewhere(ann, "DELETE", `${path}/${second.id}`);
  await listening.next("message", { content: "Oops" });
  expect(await listening.next("message_updated")).toMatchObject({
    message_id: first.id,
    updated_seq: 3,
    content: "Hello",
  });
  expect(await listening.next("message_updated")).toMatchObject({
    message_id: second.id,
    updated_seq: 4,
    content: "",
    deleted_at: expect.any(String),
  });
});

test("who listens sees the send and the edit of a message, also if they learn of it by a retry", async () => {
  const [ann, ben] = [await world.person(), await world.person()];
  const chat = await ann.chat({ with: [ben] });
  const listening = await ann.joined(chat.id);
  const path = `/api/chats/${chat.id}/messages`;
  const message = { content: "Helo", client_id: "once" };
  const { body: sent } = await elsewhere(ben, "POST", path, message);
  await elsewhere(ben, "PATCH", `${path}/${sent.id}`, { content: "Hello" });
  const retried = await ben.api("POST", path, message);
  expect(retried.body).toMatchObject({ id: sent.id, content: "Hello", updated_seq: 2 });
  await listening.next("message_updated", { updated_seq: 2 });
  const shown = listening.frames.filter((frame) => frame.message_id === sent.id);
  expect(shown.map(({ type, updated_seq }) => [type, updated_seq])).toEqual([
    ["message", 1],
    ["message_updated", 2],
  ]);
});

longTest("an answer that runs on one server is stopped by its deletion on the other", async () => {
  const { anna, annas, chat } = await room(world);
  world.gemini.respondWith(answerAndHang(say("On and on")));
  await anna.say(chat.id, "/bot for ever?");
  const { message_id: id } = await annas.next("bot_stream", { chunk: "On and on" });
  const deleted = await elsewhere(anna, "DELETE", `/api/chats/${chat.id}/messages/${Number(id)}`);
  expect([deleted.status, deleted.body]).toMatchObject([200, { status: "stopped", content: "" }]);
  const last = await annas.next("bot_stream", { is_complete: true });
  expect(last).toMatchObject({ status: "stopped", updated_seq: 3 });
  expect(await annas.next("message_updated")).toMatchObject({ message_id: id, updated_seq: 4 });
});

test("a position that has moved on another server comes with the next join, and a setting that was changed there counts at once", async () => {
  const [ann, ben] = [await world.person(), await world.person()];
  const chat = await ann.chat({ with: [ben] });
  const { seq } = await ann.say(chat.id, "one");
  const elsewhere = (method: string, path: string, body: object) =>
    fetch(`${other.url}${path}`, {
      method,
      headers: { "content-type": "application/json", authorization: `Bearer ${ben.token}` },
      body: JSON.stringify(body),
    });
  const read = await elsewhere("POST", `/api/chats/${chat.id}/mark-read`, {});
  expect(read.status).toBe(200);
  const positions = async () => {
    const socket = await ann.joined(chat.id);
    const reads: { user_id: number; last_read_seq: number }[] = Object(
      socket.ofType("joined")[0],
    ).reads;
    return reads.filter(({ user_id }) => user_id === ben.id).map((one) => one.last_read_seq);
  };
  expect(await positions()).toEqual([seq]);
  const listening = await ann.joined(chat.id);
  const hidden = await elsewhere("PATCH", "/api/auth/me", { read_receipts: false });
  expect(hidden.status).toBe(200);
  expect(await positions()).toEqual([]);
  await ann.say(chat.id, "two");
  await ben.api("POST", `/api/chats/${chat.id}/mark-read`);
  await ann.api("POST", `/api/chats/${chat.id}/mark-read`);
  const frame = await listening.next("read");
  expect(frame.reads).toMatchObject([{ user_id: ann.id }]);
});
