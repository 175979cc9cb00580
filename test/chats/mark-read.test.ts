import { beforeAll, expect, test } from "bun:test";
import { useWorld, type Person } from "../world/world.ts";
import { expectInvalid, expectProblem } from "../http/refusals.ts";

const world = useWorld();
let ann: Person;
let ben: Person;
beforeAll(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
});

/** A chat in which Ann has said five things. */
async function fiveMessages(): Promise<number> {
  const chat = await ann.chat({ with: [ben] });
  for (const text of ["1", "2", "3", "4", "5"]) await ann.say(chat.id, text);
  return chat.id;
}

const markRead = (chatId: number, body?: unknown) =>
  ben.api("POST", `/api/chats/${chatId}/mark-read`, body);

async function unread(chatId: number): Promise<number> {
  const { body } = await ben.api("GET", "/api/chats");
  return body.find((chat: { id: number }) => chat.id === chatId).unread_count;
}

test("marking as read goes to the newest message unless a number is said", async () => {
  for (const body of [undefined, {}, { unknown: 1 }]) {
    const chatId = await fiveMessages();
    const answer = await markRead(chatId, body);
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.body)).toEqual(["success", "last_read_seq"]);
    expect(answer.body).toEqual({ success: true, last_read_seq: 5 });
    expect(await unread(chatId)).toBe(0);
  }
});

test("a body may be missing whatever the Content-Type and the encoding say", async () => {
  const headers = { authorization: `Bearer ${ben.token}`, "content-type": "application/json" };
  const nothing = () => new ReadableStream({ start: (controller) => controller.close() });
  const inits: RequestInit[] = [
    { headers },
    { headers: { ...headers, "content-type": "text/plain" } },
    { headers, body: "" },
    { headers, body: nothing() },
    { headers: { authorization: headers.authorization }, body: nothing() },
  ];
  for (const init of inits) {
    const chatId = await fiveMessages();
    const url = `${world.url}/api/chats/${chatId}/mark-read`;
    const response = await fetch(url, { method: "POST", ...init });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ success: true, last_read_seq: 5 });
  }
});

test("no number, null too, stands for the newest one, as in the socket's `read`", async () => {
  for (const body of [{}, { seq: null }]) {
    const answer = await markRead(await fiveMessages(), body);
    expect(answer.body).toEqual({ success: true, last_read_seq: 5 });
  }
});

test("a read position moves forward, never back", async () => {
  const chatId = await fiveMessages();
  for (const [seq, position] of [
    [0, 0],
    [2, 2],
    [1, 2],
    [0, 2],
    [2, 2],
    [4, 4],
  ]) {
    const answer = await markRead(chatId, { seq });
    expect(answer.body).toEqual({ success: true, last_read_seq: position });
    expect(await unread(chatId)).toBe(5 - (position ?? 0));
  }
});

test("a read position never goes beyond the newest number, however large a number is said", async () => {
  const chatId = await fiveMessages();
  const { body } = await markRead(chatId, { seq: Number.MAX_SAFE_INTEGER });
  expect(body).toEqual({ success: true, last_read_seq: 5 });
  await ann.say(chatId, "6");
  expect(await unread(chatId)).toBe(1);
});

test("a read position is one's own, and takes no number of the chat", async () => {
  const chatId = await fiveMessages();
  await ben.say(chatId, "6");
  await markRead(chatId);
  const { body: chats } = await ann.api("GET", "/api/chats");
  const mine = chats.find((chat: { id: number }) => chat.id === chatId);
  expect(mine).toMatchObject({ unread_count: 1, last_seq: 6, updated_seq: 0 });
});

test("positions that race end at the furthest", async () => {
  const chatId = await fiveMessages();
  await Promise.all([3, 1, 5, 2, 4].map((seq) => markRead(chatId, { seq })));
  expect((await markRead(chatId, { seq: 0 })).body.last_read_seq).toBe(5);
});

test("what is no number of a room is refused", async () => {
  const chatId = await fiveMessages();
  for (const seq of [-1, 1.5, "3", true, [], 2 ** 53]) {
    expectInvalid(await markRead(chatId, { seq }), "/seq");
  }
  for (const body of [[], null, "3", 3]) expectInvalid(await markRead(chatId, body), "");
  expect(await unread(chatId)).toBe(5);
});

test("nobody marks as read without a token", async () => {
  const answer = await world.call("POST", `/api/chats/${await fiveMessages()}/mark-read`);
  expectProblem(answer, 401, "invalid_token");
});
