import { beforeAll, describe, expect, test } from "bun:test";
import { Passwords } from "../../src/accounts/passwords.ts";
import { continueDeletions } from "../../src/account-deletion/job.ts";
import { botsPerPersonMax } from "../../src/wire/bots.ts";
import { makeWav } from "../attachments/made-recordings.ts";
import { uploaded } from "../attachments/files.ts";
import { expectInvalid, expectProblem, time } from "../http/refusals.ts";
import { TestSocket } from "../world/socket.ts";
import { useWorld, type Person } from "../world/world.ts";

// The recurring task is called by the tests.
const world = useWorld({ durations: { purgeMs: 3_600_000, jobPollMs: 3_600_000 } });
const password = "correct horse battery";
let ann: Person;
let ben: Person;
let names = 0;
const newName = () => `bot_${(names += 1)}`;
beforeAll(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
});

const scopes = ["chats:read", "chats:write", "messages:read", "messages:write", "profile:read"];

interface TestBot {
  id: number;
  username: string;
  key: string;
  api(method: string, path: string, body?: unknown): ReturnType<typeof world.call>;
}

async function botOf(owner: Person): Promise<TestBot> {
  const { body: bot } = await owner.api("POST", "/api/bots", { username: newName() });
  const made = await owner.api("POST", `/api/bots/${bot.id}/keys`, { name: "Key", scopes });
  const { key } = made.body;
  return {
    id: bot.id,
    username: bot.username,
    key,
    api: (method, path, body) => world.call(method, path, body, { authorization: `Bearer ${key}` }),
  };
}

async function socketOf({ key }: TestBot): Promise<TestSocket> {
  const socket = new TestSocket(world.socketUrl());
  await socket.opened;
  expect(await socket.ask({ type: "auth", token: key })).toMatchObject({ type: "ack" });
  return socket;
}

describe("a bot", () => {
  test("has its voice messages not transcribed, which would ask the model", async () => {
    const dora = await world.person("dora");
    const bot = await botOf(dora);
    const chat = await dora.chat({ with: [bot] });
    const wav = makeWav({ seconds: 0.5, sound: (second) => Math.sin(second * 440) });
    for (const token of [bot.key, dora.token]) {
      const file = await uploaded(world, { token }, chat.id, wav, { kind: "voice", name: "v.wav" });
      const message = { content: "", attachment_ids: [file.id] };
      const path = `/api/chats/${chat.id}/messages`;
      const sent = await world.call("POST", path, message, { authorization: `Bearer ${token}` });
      expect(sent.status).toBe(200);
    }
    const noted = await world.sql`
      select a.user_id from jobs j join attachments a on a.id = (j.payload ->> 'attachment_id')::bigint
      where j.kind = 'transcript' and a.chat_id = ${chat.id}
    `;
    expect([...noted]).toEqual([{ user_id: dora.id }]);
  });

  test("belongs to a person and is marked wherever it is seen", async () => {
    const { body: bot, status } = await ann.api("POST", "/api/bots", { username: newName() });
    expect(status).toBe(200);
    expect(bot).toEqual({
      id: expect.any(Number),
      username: bot.username,
      created_at: time,
      is_bot_account: true,
    });
    expect((await ann.api("GET", "/api/bots")).body).toEqual([bot]);
    expect((await ben.api("GET", "/api/bots")).body).toEqual([]);
    const seen = await ben.api("GET", `/api/users/${bot.id}`);
    expect(seen.body).toMatchObject({ username: bot.username, is_bot_account: true });
    const { body: found } = await ben.api("GET", `/api/users/search?query=${bot.username}`);
    expect(found).toContainEqual(expect.objectContaining({ id: bot.id, is_bot_account: true }));
    const chat = await ann.chat({ with: [bot] });
    const { body: people } = await ann.api("GET", `/api/chats/${chat.id}/participants`);
    const marks = Object.fromEntries(
      people.map((person: { id: number; is_bot_account: boolean }) => [
        person.id,
        person.is_bot_account,
      ]),
    );
    expect(marks).toEqual({ [ann.id]: false, [bot.id]: true });
  });

  test("acts by its keys, as itself", async () => {
    const bot = await botOf(ann);
    const { body: me } = await bot.api("GET", "/api/auth/me");
    expect(me).toMatchObject({
      id: bot.id,
      username: bot.username,
      email: "",
      is_bot_account: true,
    });
    const chat = await ann.chat({ with: [bot] });
    const { body: sent } = await bot.api("POST", `/api/chats/${chat.id}/messages`, {
      content: "Built.",
    });
    expect(sent).toMatchObject({ user_id: bot.id, username: bot.username, is_bot: false });
    const { body: keys } = await ann.api("GET", "/api/auth/keys");
    expect(keys).toContainEqual(expect.objectContaining({ bot_id: bot.id, last_used_at: time }));
    expectProblem(await bot.api("GET", "/api/bots"), 403, "insufficient_scope");
  });

  test("cannot sign in with a password, nor can anybody take its name", async () => {
    const { username } = await botOf(ann);
    for (const typed of ["", "none", password]) {
      const answer = await world.call("POST", "/api/auth/login", {
        username,
        password: typed || " ",
      });
      expectProblem(answer, 401, "invalid_credentials");
    }
    const taken = { username: username.toUpperCase(), email: "x@example.com", password };
    expectProblem(await world.call("POST", "/api/auth/register", taken), 409, "username_taken");
    expectProblem(await ben.api("POST", "/api/bots", { username }), 409, "username_taken");
    expectProblem(
      await ben.api("POST", "/api/bots", { username: "Gemini" }),
      409,
      "username_taken",
    );
    expectInvalid(await ben.api("POST", "/api/bots", { username: "a bot" }), "/username");
  });

  test("is its owner's to delete and to give keys, and nobody else's", async () => {
    const bot = await botOf(ann);
    const key = { name: "Mine", scopes };
    expectProblem(await ben.api("POST", `/api/bots/${bot.id}/keys`, key), 404, "not_found");
    expectProblem(await ben.api("DELETE", `/api/bots/${bot.id}`), 404, "not_found");
    expectProblem(await ann.api("POST", `/api/bots/${ann.id}/keys`, key), 404, "not_found");
    expectProblem(await ann.api("DELETE", `/api/bots/${ann.id}`), 404, "not_found");
    expectProblem(await ann.api("POST", `/api/bots/${ben.id}/keys`, key), 404, "not_found");
    expect((await bot.api("GET", "/api/auth/me")).status).toBe(200);
  });

  test("is one of 20 at most, of requests at once too", async () => {
    const dan = await world.person("dan");
    const answers = await Promise.all(
      Array.from({ length: botsPerPersonMax + 3 }, () =>
        dan.api("POST", "/api/bots", { username: newName() }),
      ),
    );
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused).toHaveLength(3);
    for (const answer of refused) expectProblem(answer, 409, "too_many_bots");
  });
});

describe("what a bot writes", () => {
  test("asks the model nothing, in any chat and by any way", async () => {
    const bot = await botOf(ann);
    const asked = world.gemini.requests.length;
    const group = await ann.chat({ with: [bot] });
    const aiChat = await ann.chat({ is_ai_chat: true, is_group: true, with: [bot] });
    const socket = await socketOf(bot);
    for (const [chat, content] of [
      [group, "/bot Why is the sky blue?"],
      [group, "@Gemini, why?"],
      [group, "/bot help"],
      [aiChat, "Why is the sky blue?"],
      [aiChat, "/bot Why?"],
    ] as const) {
      const path = `/api/chats/${chat.id}/messages`;
      const sent = await bot.api("POST", path, { content, client_id: content });
      expect(sent.status).toBe(200);
      expect((await bot.api("POST", path, { content, client_id: content })).body).toEqual(
        sent.body,
      );
      const { message_id: id, ...reply } = await socket.ask({
        type: "message",
        chat_id: chat.id,
        content,
      });
      expect(reply).toMatchObject({ type: "ack" });
      const again = await ann.api("POST", `${path}/${id}/regenerate`);
      expect([again.status, again.body.detail]).toEqual([
        422,
        "This message asked the model nothing.",
      ]);
      expectProblem(await bot.api("POST", `${path}/${id}/regenerate`), 403, "forbidden");
      const { body: messages } = await ann.api("GET", path);
      expect(
        messages.filter(({ answer_to }: { answer_to: number | null }) => answer_to !== null),
      ).toEqual([]);
    }
    await socket.close();
    expect(world.gemini.requests.length).toBe(asked);
  });

  test("asks nothing after the bot is gone either", async () => {
    const bot = await botOf(ann);
    const chat = await ann.chat({ is_group: true, with: [bot] });
    const path = `/api/chats/${chat.id}/messages`;
    const { body: sent } = await bot.api("POST", path, { content: "/bot Why is the sky blue?" });
    expect((await ann.api("DELETE", `/api/bots/${bot.id}`)).status).toBe(200);
    const again = await ann.api("POST", `${path}/${sent.id}/regenerate`);
    expect([again.status, again.body.detail]).toEqual([
      422,
      "This message asked the model nothing.",
    ]);
  });

  test("of people beside it asks the model as ever, in one group commit too", async () => {
    const bot = await botOf(ann);
    const chat = await ann.chat({ is_ai_chat: true, is_group: true, with: [bot, ben] });
    const path = `/api/chats/${chat.id}/messages`;
    await Promise.all([
      bot.api("POST", path, { content: "a fact" }),
      ben.api("POST", path, { content: "a question" }),
      bot.api("POST", path, { content: "another fact" }),
    ]);
    const { body: messages } = await ann.api("GET", path);
    const answered = messages.flatMap(
      ({ answer_to }: { answer_to: number | null }) => answer_to ?? [],
    );
    const question = messages.find(({ content }: { content: string }) => content === "a question");
    expect(answered).toEqual([question.id]);
  });

  test("tells mentioned people, and no other bot", async () => {
    const [bot, other] = [await botOf(ann), await botOf(ann)];
    const chat = await ann.chat({ with: [bot, other] });
    const [person, deaf] = [await ann.socket(), await socketOf(other)];
    const content = `@${ann.username} @${other.username} look`;
    const { body } = await bot.api("POST", `/api/chats/${chat.id}/messages`, { content });
    expect(body.mentions.toSorted()).toEqual([ann.id, other.id].toSorted());
    await person.next("mention", { chat_id: chat.id, message_id: body.id });
    const asked = await ann.say(chat.id, `@${other.username} and you?`);
    await deaf.next("mention", { chat_id: chat.id });
    const heard = deaf.frames.filter(({ type }) => type === "mention");
    expect(heard.map(({ message_id }) => message_id)).toEqual([asked.id]);
    await person.close();
    await deaf.close();
  });
});

describe("a deleted bot", () => {
  test("loses its keys and sockets at once, leaves its chats, and its name is nobody's", async () => {
    const bot = await botOf(ann);
    const chat = await ann.chat({ with: [bot] });
    const { body: sent } = await bot.api("POST", `/api/chats/${chat.id}/messages`, {
      content: "Built.",
    });
    const socket = await socketOf(bot);
    expect((await ann.api("DELETE", `/api/bots/${bot.id}`)).status).toBe(200);
    expect(await socket.closed).toMatchObject({
      code: 1008,
      reason: expect.stringMatching(/^revoked/),
    });
    expectProblem(await bot.api("GET", "/api/auth/me"), 401, "invalid_token");
    expectProblem(await ann.api("DELETE", `/api/bots/${bot.id}`), 404, "not_found");
    const left = await ann.api("GET", `/api/chats/${chat.id}/messages/${sent.id}`);
    expect(left.body).toMatchObject({ content: "Built.", username: "Deleted user" });
    const { body: people } = await ann.api("GET", `/api/chats/${chat.id}/participants`);
    expect(people.map(({ id }: { id: number }) => id)).toEqual([ann.id]);
    expectProblem(
      await ann.api("POST", "/api/bots", { username: bot.username }),
      409,
      "username_taken",
    );
    const events = await world.sql`
      select action, actor_id from audit_events where target = ${`user:${bot.id}`} order by id
    `;
    expect(events.map(({ action, actor_id }) => [action, actor_id])).toEqual([
      ["create_bot", ann.id],
      ["delete_bot", ann.id],
    ]);
  });

  test("gets no chat of an owner who goes: a person does, and a chat of bots alone is deleted", async () => {
    const dan = await world.person("dan");
    const hash = await new Passwords(world.ctx.log, { memoryKiB: 8, passes: 1 }).hash(password);
    await world.sql`update users set hashed_password = ${hash} where id = ${dan.id}`;
    const bot = await botOf(ben);
    const shared = await dan.chat({ with: [bot] });
    expect((await dan.api("POST", `/api/chats/${shared.id}/invite`, ann)).status).toBe(200);
    const alone = await dan.chat({ with: [bot] });
    const gone = await dan.api("DELETE", "/api/auth/me", { password, messages: "keep" });
    expect(gone.status).toBe(200);
    expect((await ann.api("GET", `/api/chats/${shared.id}`)).body.owner_id).toBe(ann.id);
    expectProblem(await bot.api("GET", `/api/chats/${alone.id}`), 404, "not_found");
  });

  test("goes with its owner, with its messages if the owner's go", async () => {
    const cat = await world.person("cat");
    const hash = await new Passwords(world.ctx.log, { memoryKiB: 8, passes: 1 }).hash(password);
    await world.sql`update users set hashed_password = ${hash} where id = ${cat.id}`;
    const bot = await botOf(cat);
    const chat = await ben.chat({ with: [bot] });
    const { body: sent } = await bot.api("POST", `/api/chats/${chat.id}/messages`, {
      content: "Built.",
    });
    const socket = await socketOf(bot);
    const gone = await cat.api("DELETE", "/api/auth/me", { password, messages: "erase" });
    expect(gone.status).toBe(200);
    expect(await socket.closed).toMatchObject({ code: 1008 });
    expectProblem(await bot.api("GET", "/api/auth/me"), 401, "invalid_token");
    while ((await world.sql`select 1 from account_deletions`).length > 0)
      await continueDeletions(world.ctx);
    const left = await ben.api("GET", `/api/chats/${chat.id}/messages/${sent.id}`);
    expect(left.body).toMatchObject({ content: "", deleted_at: time });
    expect(
      (await world.sql`select 1 from access_keys where user_id in (${cat.id}, ${bot.id})`).length,
    ).toBe(0);
  });

  test("goes even if it was created while its owner's account was being deleted", async () => {
    const cat = await world.person("cat");
    const bot = await botOf(cat);
    // As a server leaves it that is killed after the first statement.
    await world.sql`
      update users set username = 'Deleted user', email = '', hashed_password = '', deleted_at = now() where id = ${cat.id}
    `;
    await world.sql`insert into account_deletions (user_id, erases) values (${cat.id}, false)`;
    await continueDeletions(world.ctx);
    expectProblem(await bot.api("GET", "/api/auth/me"), 401, "invalid_token");
    expect((await ben.api("GET", `/api/users/${bot.id}`)).status).toBe(404);
  });
});
