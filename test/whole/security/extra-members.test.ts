// Members that a request may not have must not change any row. Two worlds receive the same requests, in
// the second each with extra members; in the end both have stored the same.
import { afterAll, beforeAll, expect } from "bun:test";
import { ClientFrame } from "../../../src/wire/client-frames.ts";
import { operationsOf } from "../../docs/openapi.ts";
import { describedHttp } from "../../world/contract.ts";
import { startWorld, type World } from "../../world/world.ts";
import { pushKeys, setScene, storedRows, type Scene } from "./scene.ts";
import { longTest, test } from "../../world/long.ts";

let plain: World;
let laden: World;
beforeAll(async () => {
  [plain, laden] = await Promise.all([startWorld(), startWorld()]);
});
afterAll(() => Promise.all([plain.stop(), laden.stop()]));

/** As a parser makes them: `__proto__` is a member like any other. */
const members: Record<string, unknown> = JSON.parse(`{
  "__proto__": { "role": "owner", "owner_id": 1, "is_bot": true },
  "constructor": { "prototype": { "role": "owner" } },
  "prototype": { "is_bot": true },
  "id": 777, "user_id": 1, "owner_id": 1, "chat_id": 1, "message_id": 1, "sender_id": 1, "seq": 777, "last_seq": 777,
  "updated_seq": 777, "ordinal": 777, "last_read_seq": 777, "role": "owner", "roles": ["admin"], "is_admin": true,
  "is_bot": true, "status": "failed", "answer_to": 1, "error": "no", "sources": [], "usage": { "total_tokens": -1 },
  "created_at": "2001-01-01T00:00:00.000Z", "joined_at": "2001-01-01T00:00:00.000Z", "username": "somebody",
  "email": "somebody@example.com", "hashed_password": "x", "participant_count": 0, "message_count": 0,
  "settings": { "persona": "mine" }, "token": "x", "session_id": "x", "exp": 1, "sub": "1"
}`);

/** Members that a request of this kind has no use for. */
function unknownTo(known: string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([name]) => !known.includes(name)));
}

function laidOnto(body: object, known: string[]): object {
  const whole = { ...unknownTo(known), ...body };
  // A class that copies members one by one would set the prototype.
  Object.defineProperty(whole, "__proto__", { value: members.__proto__, enumerable: true });
  return whole;
}

const document = describedHttp();
const described = operationsOf(document);

/** The members that an operation's body may have. */
function knownOf(name: string): string[] {
  const schema = described.get(name)?.requestBody?.content["application/json"]?.schema ?? {};
  const reference = String(schema.$ref).split("/").at(-1) ?? "";
  return Object.keys(Object(document.components.schemas[reference]?.properties));
}

interface Step {
  who: keyof Scene["people"];
  path?: (scene: Scene) => string;
  body: (scene: Scene) => object;
}

/** Every operation that takes a body, but for those that only hand out tokens. */
const operations: Record<string, Step> = {
  "PATCH /api/auth/me": {
    who: "member",
    body: () => ({ read_receipts: true, display_name: "Mem Ber" }),
  },
  "POST /api/auth/register": { who: "owner", body: (scene) => scene.newcomer() },
  "POST /api/chats": {
    who: "member",
    body: ({ people }) => ({ is_group: true, participant_usernames: [people.author.username] }),
  },
  "PATCH /api/chats/{chat_id}": {
    who: "owner",
    body: () => ({ name: "Renamed", settings: { persona: "A poet" } }),
  },
  "POST /api/chats/{chat_id}/invite": {
    who: "member",
    body: ({ people }) => ({ username: people.stranger.username }),
  },
  "POST /api/chats/{chat_id}/mark-read": { who: "member", body: () => ({ seq: 3 }) },
  "PUT /api/chats/{chat_id}/preferences": {
    who: "member",
    body: () => ({ muted_until: "9999-12-31T23:59:59.999Z", pinned: true }),
  },
  "POST /api/chats/{chat_id}/messages": {
    who: "member",
    body: () => ({ content: "hello", client_id: "once" }),
  },
  "POST /api/chats/{chat_id}/messages/{message_id}/report": {
    who: "member",
    body: () => ({ reason: "It is rude." }),
  },
  "PATCH /api/chats/{chat_id}/participants/{user_id}": {
    who: "owner",
    body: () => ({ role: "moderator" }),
  },
  "PATCH /api/chats/{chat_id}/messages/{message_id}": {
    who: "author",
    body: () => ({ content: "/bot Is anybody there?" }),
  },
  "POST /api/chats/{chat_id}/attachments/uploads": {
    who: "member",
    body: () => ({ name: "a.txt", size: 1 }),
  },
  "DELETE /api/auth/me": {
    who: "author",
    body: (scene) => ({ ...scene.deletion(), messages: "keep" }),
  },
  "POST /api/auth/keys": {
    who: "member",
    body: () => ({ name: "Results", scopes: ["messages:write"] }),
  },
  "POST /api/bots": { who: "member", body: () => ({ username: "extra_bot" }) },
  "POST /api/bots/{bot_id}/keys": {
    who: "member",
    body: () => ({ name: "Results", scopes: ["messages:write"] }),
  },
  "POST /api/chats/{chat_id}/webhooks": {
    who: "owner",
    body: () => ({ url: "https://hooks.invalid/", events: ["chat.deleted"] }),
  },
  "POST /api/webhooks": {
    who: "member",
    body: () => ({ url: "https://hooks.invalid/", events: ["mention"] }),
  },
  "PATCH /api/webhooks/{webhook_id}": { who: "owner", body: () => ({ is_enabled: false }) },
  "POST /api/webhooks/{webhook_id}/secret": { who: "owner", body: () => ({}) },
  "POST /api/chats/{chat_id}/hooks": { who: "owner", body: () => ({ name: "Extra" }) },
  "POST /api/push/subscriptions": {
    who: "member",
    body: () => ({ endpoint: "https://push.example.com/extra", keys: pushKeys }),
  },
  "POST /hooks/{secret}": { who: "owner", body: () => ({ text: "hello" }) },
  "POST /api/auth/password": { who: "member", body: (scene) => scene.newPassword() },
};
/** Without a mail server, and an authenticator app, they do nothing. */
const idle = [
  "POST /api/auth/totp/confirm",
  "DELETE /api/auth/totp",
  "POST /api/auth/email",
  "POST /api/auth/email/verify",
  "POST /api/auth/password/forgot",
  "POST /api/auth/password/reset",
];
const tokensOnly = [
  "POST /api/auth/oauth/token",
  "POST /api/auth/login",
  "POST /api/auth/login/totp",
  "POST /api/auth/refresh",
  "POST /api/auth/logout",
];

test("every operation that takes a body is among them", () => {
  // A file has no members.
  const taking = [...described]
    .filter(([, { requestBody }]) => requestBody?.content["application/json"])
    .map(([name]) => name);
  expect([...Object.keys(operations), ...tokensOnly, ...idle].toSorted()).toEqual(
    taking.toSorted(),
  );
});

const frames: Record<ClientFrame["type"], (scene: Scene) => object> = {
  auth: ({ people }) => ({ token: people.member.token }),
  join: ({ chatId }) => ({ chat_id: chatId, after_seq: 0 }),
  message: ({ chatId }) => ({ chat_id: chatId, content: "hello", client_id: "twice" }),
  typing: ({ chatId }) => ({ chat_id: chatId }),
  stop: ({ chatId, messageId }) => ({ chat_id: chatId, message_id: messageId }),
  edit: ({ chatId, questionId }) => ({
    chat_id: chatId,
    message_id: questionId,
    content: "hello",
    if_seq: 1,
  }),
  delete: ({ chatId, questionId }) => ({ chat_id: chatId, message_id: questionId }),
  react: ({ chatId, messageId }) => ({
    chat_id: chatId,
    message_id: messageId,
    emoji: "\u{1F44D}",
    on: true,
  }),
  read: ({ chatId }) => ({ chat_id: chatId, seq: 1 }),
  leave: ({ chatId }) => ({ chat_id: chatId }),
  presence: () => ({ status: "away" }),
  watch_presence: ({ people }) => ({ user_ids: [people.owner.id] }),
  ping: () => ({}),
};

/** @returns the answers and replies, without what is another in each world */
async function live(world: World, isLaden: boolean): Promise<string[]> {
  const scene = await setScene(world);
  const told: string[] = [];
  for (const [name, { who, body }] of Object.entries(operations)) {
    const [method = "", path = ""] = name.split(" ");
    const plainBody = body(scene);
    const sent = isLaden ? laidOnto(plainBody, knownOf(name)) : plainBody;
    const whole = path
      .replace("{chat_id}", String(scene.chatId))
      .replace("{secret}", String(scene.idsFor(undefined).secret))
      .replace("{webhook_id}", String(scene.idsFor(undefined).webhook_id))
      .replace("{bot_id}", String(scene.idsFor(undefined).bot_id))
      .replace("{user_id}", String(scene.people.author.id))
      .replace("{message_id}", String(scene.questionId));
    const { status, body: answer } = await scene.people[who].api(method, whole, sent);
    expect([name, status]).toEqual([name, 200]);
    told.push(`${name} ${JSON.stringify(answer)}`);
  }
  const socket = await scene.people.member.socket();
  for (const { shape } of ClientFrame.options) {
    const type = shape.type.value;
    const frame = { type, ...frames[type](scene) };
    const reply = await socket.ask(isLaden ? laidOnto(frame, Object.keys(shape)) : frame);
    told.push(`${type} ${JSON.stringify({ ...reply, request_id: "" })}`);
  }
  await socket.close();
  return told.map(masked);
}

function masked(text: string): string {
  return text
    .replaceAll(/"\d{4}-\d\d-\d\dT[^"]+"/g, '"then"')
    .replaceAll(/"session_id":"[^"]+"/g, '"session_id":""')
    .replaceAll(/"(key|hint|url|secret)":"[^"]+"/g, '"$1":"secret"')
    .replaceAll(/"upload_id":"[^"]+"/g, '"upload_id":""');
}

longTest("no member beyond the documented ones changes a row or an answer", async () => {
  const expected = await live(plain, false);
  expect(await live(laden, true)).toEqual(expected);
  // Times, secrets, transactions, and how long the model took.
  const rowsOf = async (world: World) => {
    const stored = await storedRows(world, [
      "hashed_password",
      "first_chunk_ms",
      "total_ms",
      "changed_xid",
      "hint",
      "key_hash",
      "secret_hash",
      "sealed_secret",
      "sealed_previous",
    ]);
    return stored.map((row) => masked(row).replaceAll(/"[0-9a-f-]{36}"/g, "a session")).toSorted();
  };
  const rows = await rowsOf(plain);
  expect(rows.length).toBeGreaterThan(20);
  expect(await rowsOf(laden)).toEqual(rows);
});
