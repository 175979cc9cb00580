// Several servers on one database, one of them perhaps about to go down.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { compose } from "../../src/compose.ts";
import { startServer, type RunningServer } from "../../src/server.ts";
import { startWorld, type World } from "../world/world.ts";

let world: World;
let other: RunningServer;
beforeAll(async () => {
  world = await startWorld();
  const { config, secretKey, sql, log, model } = world.ctx;
  other = startServer(compose({ config, secretKey, sql, log, model }));
});
afterAll(async () => {
  await other.stop();
  await world.stop();
});

test("a message that two servers are sent at once under one client id is stored once, and both say so", async () => {
  const ann = await world.person();
  const chat = await ann.chat();
  const send = async (url: string) => {
    const response = await fetch(`${url}/api/chats/${chat.id}/messages`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${ann.token}` },
      body: JSON.stringify({ content: "hello", client_id: "one" }),
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
});

test("who listens to a chat that another server has deleted has to come back, and finds it gone", async () => {
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
});
