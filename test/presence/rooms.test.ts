// People who do not want to be seen, in the rooms that they have joined: others are not told that they are there.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { compose } from "../../src/compose.ts";
import { startServer, type RunningServer } from "../../src/server.ts";
import { onlineMax } from "../../src/wire/frames.ts";
import { TestSocket } from "../world/socket.ts";
import { useWorld, type Person } from "../world/world.ts";

const durations = { presenceChangedMs: 10, endedCheckMs: 20 };
const world = useWorld({ durations });
let other: RunningServer;
beforeAll(() => {
  const { config, sql, log, model } = world.ctx;
  other = startServer(compose({ config, sql, log, model, durations }), durations);
});
afterAll(() => other.stop());

const set = (person: Person, presence: string) => person.api("PATCH", "/api/auth/me", { presence });

async function pair() {
  const [ann, ben] = [await world.person("ann"), await world.person("ben")];
  const chat = await ann.chat({ with: [ben] });
  return { ann, ben, chat };
}

/** The frames that told a socket who came and went, up to now. */
async function told(socket: TestSocket) {
  await socket.settle();
  const types = ["user_joined", "user_left", "presence_changed"];
  return socket.frames.filter(({ type }) => types.includes(type)).map(({ type }) => type);
}

const present = ({ id, username }: Person) => ({ user_id: id, username });

test("somebody invisible joins and leaves a room unseen, sees themselves and everybody else, and is seen to write", async () => {
  const { ann, ben, chat } = await pair();
  await set(ben, "invisible");
  const anns = await ann.joined(chat.id);
  const bens = await ben.socket();
  const joined = await bens.ask({ type: "join", chat_id: chat.id });
  expect(joined).toMatchObject({ online: [present(ann), present(ben)], online_count: 2 });
  await bens.ask({ type: "typing", chat_id: chat.id });
  await anns.next("typing", { user_id: ben.id });
  await bens.ask({ type: "message", chat_id: chat.id, content: "here" });
  await anns.next("message", { content: "here" });
  const again = await anns.ask({ type: "join", chat_id: chat.id });
  expect(again).toMatchObject({ online: [present(ann)], online_count: 1 });
  await anns.ask({ type: "leave", chat_id: chat.id });
  await bens.next("user_left", { user_id: ann.id });
  await anns.ask({ type: "join", chat_id: chat.id });
  await bens.next("user_joined", { user_id: ann.id });
  await bens.close();
  while (world.ctx.realtime.rooms.find(chat.id)?.online.socketCount !== 1) await anns.settle();
  expect(await told(anns)).toEqual([]);
});

test("a change of the setting looks to others as if the person had left or come, and once only", async () => {
  const { ann, ben, chat } = await pair();
  const anns = await ann.joined(chat.id);
  const [bens, more] = [await ben.joined(chat.id), await ben.joined(chat.id)];
  await set(ben, "invisible");
  await anns.next("user_left", present(ben));
  await set(ben, "invisible");
  await more.close();
  const third = await ben.joined(chat.id);
  await set(ben, "visible");
  await set(ben, "visible");
  await anns.next("user_joined", present(ben));
  await bens.close();
  expect(await told(anns)).toEqual(["user_joined", "user_left", "user_joined"]);
  expect((await told(third)).length).toBe(0);
  await third.close();
  await anns.next("user_left", present(ben));
});

test("somebody who leaves after they became invisible is not told gone once more", async () => {
  const { ann, ben, chat } = await pair();
  const anns = await ann.joined(chat.id);
  const bens = await ben.joined(chat.id);
  await set(ben, "invisible");
  await bens.ask({ type: "leave", chat_id: chat.id });
  await set(ben, "visible");
  expect(await told(anns)).toEqual(["user_joined", "user_left"]);
  await bens.ask({ type: "join", chat_id: chat.id });
  await anns.next("user_joined", present(ben));
});

test("another server hides and shows those of its sockets as well", async () => {
  const { ann, ben, chat } = await pair();
  const url = `${other.url.replace("http", "ws")}/ws?frames=flat&token=`;
  const [anns, bens] = [new TestSocket(url + ann.token), new TestSocket(url + ben.token)];
  for (const socket of [anns, bens]) {
    await socket.opened;
    await socket.ask({ type: "join", chat_id: chat.id });
  }
  await anns.next("user_joined", present(ben));
  await set(ben, "invisible");
  await anns.next("user_left", present(ben));
  await set(ben, "visible");
  await anns.next("user_joined", present(ben));
  await Promise.all([anns.close(), bens.close()]);
});

describe("in a large room", () => {
  test("neither the names nor the count have anybody invisible", async () => {
    const { ann, ben, chat } = await pair();
    const cat = await world.person("cat");
    const crowd = await Promise.all(Array.from({ length: onlineMax }, () => world.person("crowd")));
    const room = await ann.chat({ with: [ben, cat, ...crowd] });
    expect(room.id).not.toBe(chat.id);
    await set(ben, "invisible");
    const anns = await ann.joined(room.id);
    const bens = await ben.joined(room.id);
    await cat.joined(room.id);
    expect(await anns.next("presence_changed")).toMatchObject({
      joined: [present(cat)],
      left: [],
      online_count: 2,
    });
    await set(ben, "visible");
    expect(await anns.next("presence_changed")).toMatchObject({
      joined: [present(ben)],
      left: [],
      online_count: 3,
    });
    await set(ben, "invisible");
    expect(await anns.next("presence_changed")).toMatchObject({
      joined: [],
      left: [present(ben)],
      online_count: 2,
    });
    await bens.close();
    expect((await told(anns)).length).toBe(3);
  });
});
