// A join that comes before the server has looked up the session of the socket: both are read by one statement.
import { beforeAll, expect, test } from "bun:test";
import { TestSocket } from "../world/socket.ts";
import { useWorld, type Person } from "../world/world.ts";

const world = useWorld();
let ann: Person;
let chatId: number;
beforeAll(async () => {
  ann = await world.person("ann");
  chatId = (await ann.chat()).id;
  await ann.say(chatId, "Hello!");
});

/** Opens a socket and sends texts with it at once. */
async function openWith(person: Person, ...texts: string[]): Promise<TestSocket> {
  const socket = new TestSocket(world.socketUrl(`?token=${person.token}&frames=flat`));
  await socket.opened;
  for (const text of texts) socket.ws.send(text);
  return socket;
}

const join = (more = {}) =>
  JSON.stringify({ type: "join", chat_id: chatId, after_seq: 0, ...more });

test("is answered like any other, and the activity of other chats is followed", async () => {
  const other = (await ann.chat()).id;
  const socket = await openWith(ann, join());
  expect(await socket.next("message")).toMatchObject({ seq: 1, content: "Hello!" });
  expect(await socket.next("joined")).toMatchObject({ last_seq: 1, recovered: true });
  await ann.say(other, "Are you there?");
  expect(await socket.next("chat_activity")).toMatchObject({ chat_id: other });
  await ann.say(chatId, "Yes.");
  expect(await socket.next("message")).toMatchObject({ seq: 2 });
  await socket.settle();
  expect(socket.ofType("joined").length).toBe(1);
});

test("several at once are answered in their order", async () => {
  const other = (await ann.chat()).id;
  const texts = [
    join({ request_id: 1 }),
    join({ request_id: 2, chat_id: other }),
    join({ request_id: 3 }),
  ];
  const socket = await openWith(ann, ...texts);
  await socket.next("joined", { request_id: 3 });
  expect(socket.ofType("joined").map(({ request_id }) => request_id)).toEqual([1, 2, 3]);
});

test("to a chat of others is refused when the session is known", async () => {
  const ben = await world.person("ben");
  const socket = await openWith(ben, join({ request_id: 1 }));
  expect(await socket.next("error")).toMatchObject({ code: "not_found", request_id: 1 });
  expect(socket.frames.length).toBe(1);
});

test("of a session that has ended receives nothing, whatever it sends", async () => {
  const texts = [
    join(),
    join({ chat_id: "none" }),
    `{"type":"join","chat_id":${chatId},"type":"message","content":"from a session that has ended"}`,
  ];
  for (const text of texts) {
    const gone = await world.person();
    await ann.api("POST", `/api/chats/${chatId}/invite`, { username: gone.username });
    await world.sql`delete from sessions where id = ${gone.sessionId}`;
    const socket = await openWith(gone, text);
    expect(await socket.closed).toMatchObject({ code: 1008 });
    expect(socket.frames).toEqual([]);
  }
  const { body } = await ann.api("GET", `/api/chats/${chatId}/messages`);
  expect(JSON.stringify(body)).not.toContain("from a session that has ended");
});
