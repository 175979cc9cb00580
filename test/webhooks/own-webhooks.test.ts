// A person's own webhooks: which events they are told of, and whose they are.
import { describe, expect, test } from "bun:test";
import { Passwords } from "../../src/accounts/passwords.ts";
import { tellWebhooks } from "../../src/webhooks/actions.ts";
import { expectProblem } from "../http/refusals.ts";
import { useWebhooks } from "./use-webhooks.ts";

const { world, receiver, told, hook, typesAt, deliveriesOf } = await useWebhooks();

describe("a person's own webhook", () => {
  test("is told of mentions, invitations and unread messages of others", async () => {
    const [ann, ben] = [await world.person("ann"), await world.person("ben")];
    const chat = await ben.chat({ with: [ann] });
    const { path } = await hook(ann, undefined);
    await ben.say(chat.id, `hello @${ann.username}`);
    await ben.say(chat.id, "just so");
    await ann.say(chat.id, "her own");
    const invited = await ben.chat();
    await told();
    await ben.api("POST", `/api/chats/${invited.id}/invite`, { username: ann.username });
    await ben.say(invited.id, "welcome");
    const founded = await ben.chat({ with: [ann] });
    await told();
    expect(receiver.at(path).map(({ type, data }) => [type, data.chat_id])).toEqual([
      ["mention", chat.id],
      ["message", chat.id],
      ["invite", invited.id],
      ["invite", founded.id],
      ["message", invited.id],
    ]);
    expect(receiver.at(path).every(({ isVerified }) => isVerified)).toBe(true);
  });

  test("hears nothing of a chat after leaving it, and of what was written before it came back", async () => {
    const [ann, ben] = [await world.person("ann"), await world.person("ben")];
    const chat = await ben.chat({ with: [ann] });
    const { path } = await hook(ann, undefined);
    await ben.say(chat.id, "one");
    await tellWebhooks(world.ctx);
    await ann.api("POST", `/api/chats/${chat.id}/leave`);
    await ben.say(chat.id, "two");
    await told();
    const before = receiver.at(path).filter(({ text }) => text.includes("two"));
    expect(before).toEqual([]);
    await ben.api("POST", `/api/chats/${chat.id}/invite`, { username: ann.username });
    await ben.say(chat.id, "three");
    await told();
    const texts = receiver.at(path).map(({ text }) => text);
    expect(texts.filter((text) => text.includes('"two"'))).toEqual([]);
    expect(typesAt(path).slice(-2)).toEqual(["invite", "message"]);
  });

  test("hears nothing of muted chats, of blocked people, and of a chat that is open", async () => {
    const [ann, ben, cid] = [
      await world.person("ann"),
      await world.person("ben"),
      await world.person("cid"),
    ];
    const muted = await ben.chat({ with: [ann] });
    const until = new Date(Date.now() + 3_600_000).toISOString();
    await ann.api("PUT", `/api/chats/${muted.id}/preferences`, { muted_until: until });
    const shared = await ben.chat({ with: [ann, cid] });
    await ann.api("PUT", `/api/users/${cid.id}/block`);
    const open = await ben.chat({ with: [ann] });
    await ann.joined(open.id);
    const own = await hook(ann, undefined);
    await ben.say(muted.id, `@${ann.username} muted`);
    await cid.say(shared.id, `@${ann.username} blocked`);
    await ben.say(open.id, "seen");
    await ben.say(shared.id, "heard");
    await told();
    const [heard, ...more] = receiver.at(own.path);
    expect([heard?.data.chat_id, more.length]).toEqual([shared.id, 0]);
    expect(heard?.text).toContain("heard");
    // Among the other messages, only the one in the open chat became a delivery.
    const deliveries = await deliveriesOf(ann, own);
    expect(deliveries.map(({ chat_id, status }) => [chat_id, status])).toEqual([
      [open.id, "skipped"],
      [shared.id, "delivered"],
    ]);
  });

  test("hears nothing of a message that was read at once, on whichever server the chat is open", async () => {
    const [ann, ben] = [await world.person("ann"), await world.person("ben")];
    const chat = await ben.chat({ with: [ann] });
    const { path } = await hook(ann, undefined);
    await ben.say(chat.id, "read");
    await tellWebhooks(world.ctx);
    await world.jobs.idle();
    expect(typesAt(path)).toEqual([]);
    await ann.api("POST", `/api/chats/${chat.id}/mark-read`);
    await ben.say(chat.id, `@${ann.username} unread`);
    await ben.say(chat.id, "unread");
    await told();
    expect(receiver.at(path).map(({ type, data }) => [type, data.seq])).toEqual([
      ["mention", 2],
      ["message", 3],
    ]);
  });

  test("hears nothing of what waited when its person muted the chat, blocked the author or was mentioned no more", async () => {
    const [ann, ben, cid] = [
      await world.person("ann"),
      await world.person("ben"),
      await world.person("cid"),
    ];
    const [muted, shared] = [await ben.chat({ with: [ann] }), await ben.chat({ with: [ann, cid] })];
    const { path } = await hook(ann, undefined, ["mention", "invite"]);
    const slow = Promise.withResolvers<void>();
    receiver.answer = async () => {
      await slow.promise;
      return new Response();
    };
    const mention = `@${ann.username}`;
    await ben.say(shared.id, `${mention} first`);
    await tellWebhooks(world.ctx);
    await receiver.untilAt(path, 1);
    await ben.say(muted.id, `${mention} muted`);
    await cid.say(shared.id, `${mention} blocked`);
    const { id } = await ben.say(shared.id, `${mention} edited`);
    await ben.say(shared.id, `${mention} last`);
    await tellWebhooks(world.ctx);
    const until = new Date(Date.now() + 3_600_000).toISOString();
    await ann.api("PUT", `/api/chats/${muted.id}/preferences`, { muted_until: until });
    await ann.api("PUT", `/api/users/${cid.id}/block`);
    await ben.api("PATCH", `/api/chats/${shared.id}/messages/${id}`, { content: "nobody" });
    slow.resolve();
    await told();
    expect(
      receiver.at(path).map(({ text }) => /(first|last|muted|blocked|nobody)/.exec(text)?.[0]),
    ).toEqual(["first", "last"]);
  });

  test("is nobody else's, and goes with the account", async () => {
    const [ann, ben] = [await world.person("ann"), await world.person("ben")];
    const made = await hook(ann, undefined);
    expectProblem(await ben.api("GET", `/api/webhooks/${made.webhook.id}`), 404, "not_found");
    expect((await ben.api("GET", "/api/webhooks")).body).toEqual([]);
    expect((await ann.api("GET", "/api/webhooks")).body).toMatchObject([{ id: made.webhook.id }]);
    const { url } = receiver.path();
    const add = () => ann.api("POST", "/api/webhooks", { url, events: ["mention"] });
    const answers = await Promise.all(Array.from({ length: 11 }, add));
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(2);
  });
});

test("the webhooks of a deleted account go, and those of its chats", async () => {
  const [ann, ben] = [await world.person("ann"), await world.person("ben")];
  const chat = await ann.chat({ with: [ben] });
  await hook(ann, chat.id);
  await hook(ann, undefined);
  const password = "correct horse battery";
  const hashed = await new Passwords(world.ctx.log, { memoryKiB: 8, passes: 1 }).hash(password);
  await world.sql`update users set hashed_password = ${hashed} where id = ${ann.id}`;
  const leaving = { password, messages: "keep" };
  expect((await ann.api("DELETE", "/api/auth/me", leaving)).status).toBe(200);
  expect(await world.sql`select from webhooks where user_id = ${ann.id}`).toHaveLength(0);
});

test("the export of an account has the webhooks that the person has added, without secrets", async () => {
  const [ann, ben] = [await world.person("ann"), await world.person("ben")];
  const chat = await ann.chat({ with: [ben] });
  const [ofChat, own] = [
    await hook(ann, chat.id, ["chat.updated"]),
    await hook(ann, undefined, ["mention"]),
  ];
  await hook(ben, undefined);
  const { body } = await ann.api("GET", "/api/auth/me/export");
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const lines = text.split("\n").filter((line) => line.includes('"type":"webhook"'));
  const exported = { type: "webhook", is_enabled: true, off_reason: null, failing_since: null };
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      ...exported,
      id: ofChat.webhook.id,
      chat_id: chat.id,
      url: ofChat.url,
      events: ["chat.updated"],
      created_at: ofChat.webhook.created_at,
    },
    {
      ...exported,
      id: own.webhook.id,
      chat_id: null,
      url: own.url,
      events: ["mention"],
      created_at: own.webhook.created_at,
    },
  ]);
  expect(text).not.toContain("whsec_");
  expect(text).not.toContain("sealed");
});
