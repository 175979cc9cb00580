import { beforeAll, describe, expect, test } from "bun:test";
import { keysPerAccountMax } from "../../src/wire/access-keys.ts";
import { expectInvalid, expectProblem, time } from "../http/refusals.ts";
import { TestSocket } from "../world/socket.ts";
import { useWorld, type Person } from "../world/world.ts";

const world = useWorld();
let ann: Person;
let ben: Person;
beforeAll(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
});

const input = { name: "Build results", scopes: ["messages:write"] };
const create = async (person: Person, more: object = {}) =>
  (await person.api("POST", "/api/auth/keys", { ...input, ...more })).body;
const withKey = (key: string) => (method: string, path: string, body?: unknown) =>
  world.call(method, path, body, { authorization: `Bearer ${key}` });

async function socketWith(key: string): Promise<TestSocket> {
  const socket = new TestSocket(world.socketUrl());
  await socket.opened;
  expect(await socket.ask({ type: "auth", token: key })).toMatchObject({ type: "ack" });
  return socket;
}

describe("a key", () => {
  test("is shown once, and kept as a hash", async () => {
    const { key, ...created } = await create(ann, { expires_at: "2999-01-01T01:00:00+01:00" });
    expect(key).toMatch(/^gck_[\w-]{43}$/);
    expect(created).toEqual({
      id: expect.any(Number),
      name: input.name,
      hint: key.slice(-4),
      bot_id: null,
      scopes: input.scopes,
      chat_ids: null,
      created_at: time,
      expires_at: "2999-01-01T00:00:00.000Z",
      last_used_at: null,
      last_used_address: null,
    });
    const { body: listed } = await ann.api("GET", "/api/auth/keys");
    expect(listed).toContainEqual(created);
    expect(JSON.stringify(listed)).not.toContain(key);
    const rows =
      await world.sql`select to_jsonb(k)::text as row from access_keys k where id = ${created.id}`;
    expect(rows[0]?.row).not.toContain(key.slice(4));
  });

  test("is nobody else's to see or to revoke", async () => {
    const { id } = await create(ann);
    const { body } = await ben.api("GET", "/api/auth/keys");
    expect(body).toEqual([]);
    expectProblem(await ben.api("DELETE", `/api/auth/keys/${id}`), 404, "not_found");
    expectProblem(await ann.api("DELETE", "/api/auth/keys/999999"), 404, "not_found");
  });

  test.each<[what: string, more: object, pointer: string]>([
    ["without a name", { name: " " }, "/name"],
    ["with a long name", { name: "a".repeat(101) }, "/name"],
    ["without scopes", { scopes: [] }, "/scopes"],
    ["with an unknown scope", { scopes: ["admin"] }, "/scopes/0"],
    ["with a scope that is no text", { scopes: [1] }, "/scopes/0"],
    ["with the scopes as a text", { scopes: "messages:write" }, "/scopes"],
    ["for no chat", { chat_ids: [] }, "/chat_ids"],
    ["for a chat that is no id", { chat_ids: ["1"] }, "/chat_ids/0"],
    ["for a chat that the person is not in", { chat_ids: [999_999] }, "/chat_ids"],
    ["for too many chats", { chat_ids: Array.from({ length: 101 }, (_, n) => n + 1) }, "/chat_ids"],
    ["that has expired", { expires_at: "2020-01-01T00:00:00Z" }, "/expires_at"],
    ["that expires at no time", { expires_at: "tomorrow" }, "/expires_at"],
  ])("is refused %s", async (_, more, pointer) => {
    expectInvalid(await ann.api("POST", "/api/auth/keys", { ...input, ...more }), pointer);
  });

  test("is refused for what is no time with that fault alone", async () => {
    const { body } = await ann.api("POST", "/api/auth/keys", { ...input, expires_at: "tomorrow" });
    const detail = "must be a time with an offset, such as 2026-11-22T10:15:30.123Z";
    expect(body.errors).toEqual([{ pointer: "/expires_at", detail }]);
  });

  test("has each scope once, in order, and each chat once", async () => {
    const { id } = await ann.chat();
    const made = await create(ann, {
      scopes: ["messages:write", "chats:read", "messages:write"],
      chat_ids: [id, id],
    });
    expect(made).toMatchObject({ scopes: ["chats:read", "messages:write"], chat_ids: [id] });
  });

  test("shows its last use", async () => {
    const { id, key } = await create(ann, { scopes: ["profile:read"] });
    await withKey(key)("GET", "/api/auth/me");
    const { body } = await ann.api("GET", "/api/auth/keys");
    const used = body.find((each: { id: number }) => each.id === id);
    expect(used).toMatchObject({ last_used_at: time, last_used_address: "127.0.0.1" });
  });

  test("is refused as soon as it is revoked, on every server, and its sockets are closed", async () => {
    const other = world.startAnother({ durations: { endedCheckMs: 20 } });
    const { id, key } = await create(ann, { scopes: ["profile:read"] });
    const socket = await socketWith(key);
    const far = new TestSocket(`${other.url.replace("http", "ws")}/ws?token=${key}`);
    await far.opened;
    expect(await far.ask({ type: "ping" })).toMatchObject({ type: "pong" });
    expect((await withKey(key)("GET", "/api/auth/me")).body.id).toBe(ann.id);
    expect((await ann.api("DELETE", `/api/auth/keys/${id}`)).status).toBe(200);
    expect(await socket.closed).toMatchObject({
      code: 1008,
      reason: expect.stringMatching(/^revoked/),
    });
    expect(await far.closed).toMatchObject({
      code: 1008,
      reason: expect.stringMatching(/^revoked/),
    });
    expectProblem(await withKey(key)("GET", "/api/auth/me"), 401, "invalid_token");
    expectProblem(await ann.api("DELETE", `/api/auth/keys/${id}`), 404, "not_found");
    const late = new TestSocket(world.socketUrl(`?token=${key}`));
    expect(await late.closed).toMatchObject({
      code: 1008,
      reason: expect.stringMatching(/^invalid_token/),
    });
  });

  test("is refused when it has expired, also where it was used before", async () => {
    const { id, key } = await create(ann, {
      scopes: ["profile:read"],
      expires_at: new Date(Date.now() + 400).toISOString(),
    });
    expect((await withKey(key)("GET", "/api/auth/me")).status).toBe(200);
    const socket = await socketWith(key);
    expect(await socket.closed).toMatchObject({ code: 1008 });
    expectProblem(await withKey(key)("GET", "/api/auth/me"), 401, "invalid_token");
    const { body } = await ann.api("GET", "/api/auth/keys");
    expect(body.map((each: { id: number }) => each.id)).toContain(id);
  });

  test("stays when sessions end and the password changes, and is no session", async () => {
    const { key } = await create(ann, { scopes: ["profile:read"] });
    const { body: sessions } = await ann.api("GET", "/api/auth/sessions");
    expect(sessions).toHaveLength(1);
    await ann.api("DELETE", "/api/auth/sessions");
    expect((await withKey(key)("GET", "/api/auth/me")).status).toBe(200);
    const [row] = await world.sql`
      select s.id from sessions s join access_keys k on k.id = s.access_key_id where k.user_id = ${ann.id} limit 1
    `;
    expectProblem(await ann.api("DELETE", `/api/auth/sessions/${row?.id}`), 404, "not_found");
    const token = { refresh_token: `${row?.id}.${key.slice(4)}` };
    expectProblem(await world.call("POST", "/api/auth/refresh", token), 401, "invalid_token");
    expectProblem(await world.call("POST", "/api/auth/logout", token), 401, "invalid_token");
    expect((await withKey(key)("GET", "/api/auth/me")).status).toBe(200);
  });

  test("creates no session, no ticket and no other key", async () => {
    const all = ["chats:read", "chats:write", "messages:read", "messages:write", "profile:read"];
    const { key } = await create(ann, { scopes: all });
    for (const [method, path, body] of [
      ["POST", "/api/auth/keys", input],
      ["POST", "/api/bots", { username: "sly_bot" }],
      ["POST", "/api/auth/ws-ticket", undefined],
      ["PATCH", "/api/auth/me", { bio: "Owned" }],
    ] as const) {
      expectProblem(await withKey(key)(method, path, body), 403, "insufficient_scope");
    }
  });

  test("goes with the account", async () => {
    const cat = await world.person("cat");
    const { key } = await create(cat, { scopes: ["profile:read"] });
    await world.sql`delete from users where id = ${cat.id}`;
    expectProblem(await withKey(key)("GET", "/api/auth/me"), 401, "invalid_token");
  });

  test("is one of 50 at most, of requests at once too", async () => {
    const dan = await world.person("dan");
    const answers = await Promise.all(
      Array.from({ length: keysPerAccountMax + 5 }, () => dan.api("POST", "/api/auth/keys", input)),
    );
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused).toHaveLength(5);
    for (const answer of refused) expectProblem(answer, 409, "too_many_keys");
    expect((await dan.api("GET", "/api/auth/keys")).body).toHaveLength(keysPerAccountMax);
  });
});

describe("a key for some chats", () => {
  let inside: number;
  let outside: number;
  let key: string;
  const scopes = ["chats:read", "chats:write", "messages:read", "messages:write", "profile:read"];
  beforeAll(async () => {
    inside = (await ann.chat({ name: "Inside", with: [ben] })).id;
    outside = (await ann.chat({ name: "Outside", with: [ben] })).id;
    ({ key } = await create(ann, { scopes, chat_ids: [inside] }));
    await ben.say(inside, "hello inside");
    await ben.say(outside, "hello outside");
    await world.index();
  });

  test("lists these chats only, and finds messages in them only", async () => {
    const { body: chats } = await withKey(key)("GET", "/api/chats");
    expect(chats.map(({ id }: { id: number }) => id)).toEqual([inside]);
    const found = await withKey(key)("GET", `/api/search?q=hello&chat_id=${inside}`);
    expect(found.body.items).toHaveLength(1);
    const elsewhere = await withKey(key)("GET", `/api/search?q=hello&chat_id=${outside}`);
    expectProblem(elsewhere, 404, "not_found");
    expectProblem(await withKey(key)("GET", "/api/search?q=hello"), 403, "insufficient_scope");
  });

  test("creates no chat, and is answered about others as about chats that do not exist", async () => {
    const made = await withKey(key)("POST", "/api/chats", { is_group: true });
    expectProblem(made, 403, "insufficient_scope");
    const hidden = await withKey(key)("GET", `/api/chats/${outside}`);
    const missing = await withKey(key)("GET", "/api/chats/999999");
    expectProblem(hidden, 404, "not_found");
    expect(hidden.body.detail).toBe(missing.body.detail);
    expect((await withKey(key)("GET", "/api/chats/none")).status).toBe(422);
  });

  test("hears on a socket of these chats only", async () => {
    const socket = await socketWith(key);
    await ben.say(outside, `@${ann.username} outside`);
    await ben.say(inside, `@${ann.username} inside`);
    await socket.next("mention", { chat_id: inside });
    await socket.next("chat_activity", { chat_id: inside });
    const third = await ben.chat({ name: "Third", with: [ann] });
    await ben.api("DELETE", `/api/chats/${third.id}`);
    await socket.settle();
    const chats = socket.frames.map((frame) => frame.chat_id ?? Object(frame.chat).id);
    expect(chats).not.toContain(outside);
    expect(chats).not.toContain(third.id);
    await socket.close();
  });
});

describe("a socket of a key", () => {
  test("without messages:read is told of no message, and may not join", async () => {
    const chat = await ann.chat({ with: [ben] });
    const { key } = await create(ann, { scopes: ["chats:read", "messages:write"] });
    const socket = await socketWith(key);
    const refused = await socket.ask({ type: "join", chat_id: chat.id });
    expect(refused).toMatchObject({ type: "error", code: "insufficient_scope" });
    await ben.say(chat.id, `@${ann.username} a secret`);
    const sent = await socket.ask({ type: "message", chat_id: chat.id, content: "done" });
    expect(sent).toMatchObject({ type: "ack" });
    const other = await ben.chat({ name: "Another", with: [ann] });
    expect(await socket.next("chat_created")).toMatchObject({ chat: { id: other.id } });
    expect(JSON.stringify(socket.frames)).not.toContain("a secret");
    const [listed] = (await withKey(key)("GET", "/api/chats")).body.filter(
      ({ id }: { id: number }) => id === chat.id,
    );
    expect(listed).toMatchObject({ last_message: null, last_message_time: time });
    const pinned = await withKey((await create(ann, { scopes: ["chats:write"] })).key)(
      "PUT",
      `/api/chats/${chat.id}/preferences`,
      { pinned: true },
    );
    expect(pinned.body).toMatchObject({ pinned: true, last_message: null });
    await socket.close();
  });

  test("keeps its key: neither another key nor a session may renew it", async () => {
    const { key } = await create(ann);
    const { key: another } = await create(ann, { scopes: ["messages:read"] });
    const socket = await socketWith(key);
    expect(await socket.ask({ type: "auth", token: key })).toMatchObject({ type: "ack" });
    for (const token of [another, ann.token]) {
      expect(await socket.ask({ type: "auth", token })).toMatchObject({ code: "invalid_token" });
    }
    const own = await ann.socket();
    expect(await own.ask({ type: "auth", token: key })).toMatchObject({ code: "invalid_token" });
    await own.close();
    await socket.close();
  });
});

test("what was created and revoked is in the audit trail, without the key", async () => {
  const eve = await world.person("eve");
  const { id, key } = await create(eve);
  await eve.api("DELETE", `/api/auth/keys/${id}`);
  const events = await world.sql`
    select action, outcome, target, details from audit_events
    where actor_id = ${eve.id} and action like '%key' order by id
  `;
  expect([...events]).toEqual([
    {
      action: "create_key",
      outcome: "ok",
      target: `key:${id}`,
      details: { user_id: eve.id, scopes: input.scopes },
    },
    { action: "revoke_key", outcome: "ok", target: `key:${id}`, details: { user_id: eve.id } },
  ]);
  expect(JSON.stringify(events)).not.toContain(key.slice(4));
});
