import { beforeAll, describe, expect, test } from "bun:test";
import { continueDeletions } from "../../src/account-deletion/job.ts";
import { Passwords } from "../../src/accounts/passwords.ts";
import { purgeDeletedChats } from "../../src/chats/purge.ts";
import { incomingWebhooksPerChatMax } from "../../src/wire/incoming-webhooks.ts";
import { expectInvalid, expectProblem, time } from "../http/refusals.ts";
import { useWorld, type Person } from "../world/world.ts";
import { useIncomingWebhooks } from "./use-incoming-webhooks.ts";

const { world, hooks, newHook, postRaw, post, given } = useIncomingWebhooks();
const limited = useWorld({ env: { RATE_LIMITS: "memory" } });
const password = "correct horse battery";
let ann: Person;
let ben: Person;
let chatId: number;
beforeAll(() => {
  ({ ann, ben, chatId } = given());
});

async function isDeleted(userId: number): Promise<boolean> {
  const [row] = await world.sql`select deleted_at from users where id = ${userId}`;
  return row?.deleted_at !== null;
}

describe("the owner of a chat", () => {
  test("gets the address once, and sees name, creation and last use afterwards", async () => {
    const chat = await ann.chat({ with: [ben] });
    const { path, url, ...hook } = await newHook(ann, chat.id, "Build results");
    expect(path).toMatch(/^\/hooks\/[\w-]{43}$/);
    expect(hook).toEqual({
      id: expect.any(Number),
      chat_id: chat.id,
      name: "Build results",
      user_id: expect.any(Number),
      username: expect.stringMatching(/^Build-results/),
      created_by: ann.id,
      created_at: time,
      last_used_at: null,
    });
    expect((await ann.api("GET", hooks(chat.id))).body).toEqual([hook]);
    await post(path, { text: "used" });
    expect((await ann.api("GET", hooks(chat.id))).body).toEqual([{ ...hook, last_used_at: time }]);
    const secret = path.split("/").at(-1) ?? "";
    const rows = await world.sql`
      select from incoming_webhooks where incoming_webhooks::text like ${`%${secret}%`}
      union all select from audit_events where audit_events::text like ${`%${secret}%`}
    `;
    expect([...rows]).toEqual([]);
  });

  test("revokes it, and its messages stay under its name", async () => {
    const chat = await ann.chat({ with: [ben] });
    const hook = await newHook(ann, chat.id);
    const { body: posted } = await post(hook.path, { text: "before" });
    expect((await ann.api("DELETE", `${hooks(chat.id)}/${hook.id}`)).status).toBe(200);
    expectProblem(await post(hook.path, { text: "after" }), 404, "not_found");
    expect((await ann.api("GET", hooks(chat.id))).body).toEqual([]);
    const path = `/api/chats/${chat.id}/messages/${posted.message_id}`;
    expect((await ben.api("GET", path)).body).toMatchObject({
      content: "before",
      username: hook.username,
    });
    expectProblem(await ann.api("DELETE", `${hooks(chat.id)}/${hook.id}`), 404, "not_found");
  });

  test("alone creates, sees and revokes them", async () => {
    const stranger = await world.person("stranger");
    const hook = await newHook(ann, chatId);
    await ann.api("PATCH", `/api/chats/${chatId}/participants/${ben.id}`, { role: "moderator" });
    for (const [person, status, code] of [
      [ben, 403, "forbidden"],
      [stranger, 404, "not_found"],
    ] as const) {
      expectProblem(await person.api("POST", hooks(chatId), { name: "Mine" }), status, code);
      expectProblem(await person.api("GET", hooks(chatId)), status, code);
      expectProblem(await person.api("DELETE", `${hooks(chatId)}/${hook.id}`), status, code);
    }
    const other = await ann.chat();
    expectProblem(await ann.api("DELETE", `${hooks(other.id)}/${hook.id}`), 404, "not_found");
    expect((await post(hook.path, { text: "still there" })).status).toBe(200);
  });

  test("has 20 in a chat at most, of requests at once too", async () => {
    const chat = await ann.chat();
    const answers = await Promise.all(
      Array.from({ length: incomingWebhooksPerChatMax + 3 }, () =>
        ann.api("POST", hooks(chat.id), { name: "One of many" }),
      ),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(incomingWebhooksPerChatMax);
    const refused = answers.filter(({ status }) => status !== 200);
    for (const answer of refused) expectProblem(answer, 409, "too_many_hooks");
  });

  test("has none in a private chat, where the other person could not get rid of it by a block", async () => {
    const cara = await world.person("cara");
    const { body: direct } = await ann.api("POST", "/api/chats", {
      is_group: false,
      participant_usernames: [cara.username],
    });
    const refused = await ann.api("POST", hooks(direct.id), { name: "Ann once more" });
    expectProblem(refused, 403, "forbidden");
    expect(refused.body.detail).toContain("Create a group");
    expect((await ann.api("GET", hooks(direct.id))).body).toEqual([]);
  });

  test("names them in any script, and takes nobody's name with it", async () => {
    const chat = await ann.chat();
    const plain = await newHook(ann, chat.id, "日本語");
    expect(plain).toMatchObject({ name: "日本語", username: expect.stringMatching(/^webhook/) });
    const gemini = await newHook(ann, chat.id, "Gemini");
    expect(gemini.username).toMatch(/^Gemini-[0-9a-f]{6}$/);
    const asBen = await newHook(ann, chat.id, ben.username.toUpperCase());
    expect(asBen.username).toMatch(/^BEN\d*-[0-9a-f]{6}$/);
    expectInvalid(await ann.api("POST", hooks(chat.id), { name: " " }), "/name");
    expectInvalid(await ann.api("POST", hooks(chat.id), { name: "a\u202eb" }), "/name");
    expectInvalid(await ann.api("POST", hooks(chat.id), {}), "/name");
  });
});

describe("an address", () => {
  test("that is none is answered in the same words as one that was revoked, and shows no secret", async () => {
    const hook = await newHook(ann, chatId);
    await ann.api("DELETE", `${hooks(chatId)}/${hook.id}`);
    const unknown = `/hooks/${"a".repeat(43)}`;
    const answers = [
      await post(hook.path, { text: "x" }),
      await post(unknown, { text: "x" }),
      await post("/hooks/short", { text: "x" }),
      // The body is not looked at.
      await postRaw(unknown, "{", { "content-type": "application/json" }),
    ];
    for (const answer of answers) expectProblem(answer, 404, "not_found");
    expect(new Set(answers.map(({ body }) => body.detail)).size).toBe(1);
    expect(JSON.stringify(answers.slice(0, 2))).not.toContain(hook.path.split("/")[2]);
    const response = await fetch(new URL(hook.path, world.url));
    expect(response.status).toBe(405);
  });

  test("goes with its chat, and its account with it or with its last message", async () => {
    const chat = await ann.chat();
    const hook = await newHook(ann, chat.id, "Never used");
    const used = await newHook(ann, chat.id, "Used");
    await post(used.path, { text: "x" });
    await ann.api("DELETE", `/api/chats/${chat.id}`);
    expectProblem(await post(hook.path, { text: "x" }), 404, "not_found");
    expect(await isDeleted(hook.user_id)).toBe(true);
    expect(await isDeleted(used.user_id)).toBe(false);
    await purgeDeletedChats(world.ctx);
    expect(await isDeleted(used.user_id)).toBe(true);
    expect(await isDeleted(ann.id)).toBe(false);
  });

  test("that is revoked leaves no account if it was never used, and its username is free", async () => {
    const chat = await ann.chat();
    const unused = await newHook(ann, chat.id, "Nightly");
    const used = await newHook(ann, chat.id, "Daily");
    await post(used.path, { text: "x" });
    for (const { id } of [unused, used]) await ann.api("DELETE", `${hooks(chat.id)}/${id}`);
    expect(await isDeleted(unused.user_id)).toBe(true);
    expect(await isDeleted(used.user_id)).toBe(false);
    const { username } = await newHook(ann, chat.id, "Nightly");
    expect(username).toBe(unused.username);
  });

  test("stays when its creator's account is deleted, and belongs to the next owner", async () => {
    const dora = await world.person("dora");
    const hash = await new Passwords(world.ctx.log, { memoryKiB: 8, passes: 1 }).hash(password);
    await world.sql`update users set hashed_password = ${hash} where id = ${dora.id}`;
    const chat = await dora.chat({ with: [ben] });
    const hook = await newHook(dora, chat.id);
    await dora.api("DELETE", "/api/auth/me", { password, messages: "erase" });
    await continueDeletions(world.ctx);
    expect((await post(hook.path, { text: "still here" })).status).toBe(200);
    const { body: list } = await ben.api("GET", hooks(chat.id));
    expect(list).toMatchObject([{ id: hook.id, name: "Build results" }]);
    expect((await ben.api("DELETE", `${hooks(chat.id)}/${hook.id}`)).status).toBe(200);
  });
});

test("the account of an incoming webhook is nobody's: it cannot sign in, has no keys, and is neither found nor invited", async () => {
  const hook = await newHook(ann, chatId, "Nobody's");
  const login = { username: hook.username, password };
  expectProblem(await world.call("POST", "/api/auth/login", login), 401, "invalid_credentials");
  const key = { name: "Key", scopes: ["messages:read"] };
  expectProblem(await ann.api("POST", `/api/bots/${hook.user_id}/keys`, key), 404, "not_found");
  expectProblem(await ann.api("DELETE", `/api/bots/${hook.user_id}`), 404, "not_found");
  expect((await ann.api("GET", "/api/bots")).body).toEqual([]);
  const { body: found } = await ann.api("GET", `/api/users/search?query=${hook.username}`);
  expect(found).toEqual([]);
  const invited = await ann.api("POST", `/api/chats/${chatId}/invite`, { username: hook.username });
  expectProblem(invited, 404, "not_found");
});

test("messages of a webhook are limited, and so are tries of addresses", async () => {
  const dan = await limited.person("dan");
  const chat = await dan.chat();
  const hook = await newHook(dan, chat.id);
  const json = { "content-type": "application/json" };
  const send = (path: string) => postRaw(path, JSON.stringify({ text: "x" }), json, limited);
  const answers = [];
  for (let n = 0; n < 61; n += 1) answers.push(await send(hook.path));
  expect(answers.slice(0, 60).every(({ status }) => status === 200)).toBe(true);
  const last = answers[60];
  if (!last) throw new Error("no answer");
  expectProblem(last, 429, "rate_limited");
  expect(Number(last.headers.get("retry-after"))).toBeWithin(1, 61);
  const other = await newHook(dan, chat.id);
  expect((await send(other.path)).status).toBe(200);
});
