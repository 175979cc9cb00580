import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { Passwords } from "../../src/accounts/passwords.ts";
import { cleanUpWebhooks, followNewChats, tellWebhooks } from "../../src/webhooks/actions.ts";
import { resealSecrets } from "../../src/webhooks/reseal.ts";
import { openSecret, sealSecret } from "../../src/webhooks/secrets.ts";
import type { CreatedWebhook, Delivery } from "../../src/wire/webhooks.ts";
import { chatEvents, personEvents } from "../../src/wire/webhooks.ts";
import { expectInvalid, expectProblem, time } from "../http/refusals.ts";
import { startMailbox } from "../world/mailbox.ts";
import { WebhookReceiver } from "../world/webhook-receiver.ts";
import { useWorld, type Person } from "../world/world.ts";

const mailbox = await startMailbox();
const receiver = new WebhookReceiver();
const never = 3_600_000;
const world = useWorld({
  env: {
    WEBHOOK_ALLOW: "127.0.0.1",
    SMTP_URL: mailbox.url,
    MAIL_FROM: "coop@example.com",
  },
  // The tests call the tasks.
  durations: { webhookMs: never, webhookChatsMs: never, webhookRetryMs: [1, 1, 1] },
});
afterAll(async () => {
  await receiver.stop();
  await mailbox.stop();
});
const accept = receiver.answer;
beforeEach(() => {
  receiver.answer = accept;
});

/** Ends the wait for messages to be read. */
async function endWait(): Promise<void> {
  await world.sql`update jobs set due_at = now() where kind = 'webhook' and attempts = 0 and due_at > now()`;
}

/** Settles when webhooks were told of everything that has happened. */
async function told(): Promise<void> {
  for (;;) {
    await followNewChats(world.ctx);
    await tellWebhooks(world.ctx);
    await endWait();
    await world.jobs.idle();
    const [row] = await world.sql`
      select exists (select from webhook_deliveries where status = 'pending')
        or exists (select from jobs where dead_at is null and kind like 'webhook%')
        or exists (
          select from webhook_cursors cursor join chats c on c.id = cursor.chat_id join webhooks w on w.id = cursor.webhook_id
          where w.is_enabled and cursor.seq < c.last_seq
        ) as busy
    `;
    if (!row?.busy) return;
  }
}

interface Hook {
  webhook: CreatedWebhook;
  path: string;
  url: string;
}

/** A webhook of a chat, or of the person's own. */
async function hook(
  person: Person,
  chatId: number | undefined,
  events: readonly string[] = chatId === undefined ? personEvents : chatEvents,
): Promise<Hook> {
  const { path, url } = receiver.path();
  const to = chatId === undefined ? "/api/webhooks" : `/api/chats/${chatId}/webhooks`;
  const { status, body } = await person.api("POST", to, { url, events });
  expect(status).toBe(200);
  receiver.secrets.set(path, body.secret);
  return { webhook: body, path, url };
}

const typesAt = (path: string) => receiver.at(path).map(({ type }) => type);
const seqsAt = (path: string) => receiver.at(path).map(({ data }) => Number(data.seq));
const deliveriesOf = async (person: Person, { webhook }: Hook): Promise<Delivery[]> =>
  (await person.api("GET", `/api/webhooks/${webhook.id}/deliveries`)).body;
const change = (person: Person, { webhook }: Hook, input: object) =>
  person.api("PATCH", `/api/webhooks/${webhook.id}`, input);
const get = async (person: Person, { webhook }: Hook) =>
  (await person.api("GET", `/api/webhooks/${webhook.id}`)).body;

describe("a webhook of a chat", () => {
  test("is told of everything in the chat, signed, in the order of the numbers", async () => {
    const [ann, ben, cid] = [
      await world.person("ann"),
      await world.person("ben"),
      await world.person("cid"),
    ];
    const chat = await ann.chat({ with: [ben] });
    await ben.say(chat.id, "before the webhook");
    const { path } = await hook(ann, chat.id);
    const { id } = await ben.say(chat.id, "hello");
    const at = `/api/chats/${chat.id}`;
    await ben.api("PATCH", `${at}/messages/${id}`, { content: "hello, all" });
    await ann.api("PUT", `${at}/messages/${id}/reactions/${encodeURIComponent("👍")}`);
    await ann.api("DELETE", `${at}/messages/${id}/reactions/${encodeURIComponent("👍")}`);
    await ann.api("POST", `${at}/invite`, { username: cid.username });
    await ann.api("DELETE", `${at}/participants/${cid.id}`);
    await ann.api("PATCH", at, { name: "Another name" });
    const socket = await ann.joined(chat.id);
    await ann.say(chat.id, "/bot hi");
    await socket.next("bot_stream", { is_complete: true });
    await told();
    expect(typesAt(path)).toEqual([
      "message.created",
      "message.updated",
      "reaction.added",
      "reaction.removed",
      "participant.added",
      "participant.removed",
      "chat.updated",
      "message.created",
      "answer.started",
      "answer.ended",
    ]);
    const [first] = receiver.at(path);
    const from = Number(first?.data.seq);
    expect(seqsAt(path)).toEqual(seqsAt(path).map((_, index) => from + index));
    expect(receiver.at(path).every(({ isVerified }) => isVerified)).toBe(true);
    expect(receiver.at(path).every(({ data }) => data.chat_id === chat.id)).toBe(true);
    expect(new Set(receiver.at(path).map((event) => event.id)).size).toBe(10);
    expect(first).toMatchObject({
      timestamp: time,
      data: { message: { id, content: "hello, all", user_id: ben.id, username: ben.username } },
    });
    const data = receiver.at(path).map((event) => event.data);
    expect(data[2]).toMatchObject({
      reaction: { message_id: id, emoji: "👍", user_id: ann.id, count: 1 },
    });
    expect(data[4]).toMatchObject({ participant: { id: cid.id, username: cid.username } });
    expect(data[6]).toMatchObject({ chat: { id: chat.id, name: "Another name" } });
    expect(data[9]).toMatchObject({ message: { is_bot: true, status: "complete" } });
  });

  test("is told of nothing else: of other chats, and of events that it did not ask for", async () => {
    const ann = await world.person("ann");
    const [chat, other] = [await ann.chat(), await ann.chat()];
    const { path } = await hook(ann, chat.id, ["message.deleted", "chat.updated"]);
    await ann.say(other.id, "elsewhere");
    const { id } = await ann.say(chat.id, "a secret");
    await ann.api("DELETE", `/api/chats/${chat.id}/messages/${id}`);
    await told();
    expect(typesAt(path)).toEqual(["message.deleted"]);
    expect(receiver.at(path)[0]?.text).not.toContain("a secret");
  });

  test("is sent no text of a message that was deleted before it was told", async () => {
    const ann = await world.person("ann");
    const chat = await ann.chat();
    const { path } = await hook(ann, chat.id);
    const { id } = await ann.say(chat.id, "a secret");
    await ann.api("DELETE", `/api/chats/${chat.id}/messages/${id}`);
    await told();
    expect(typesAt(path)).toEqual(["message.created", "message.deleted"]);
    for (const { text } of receiver.at(path)) expect(text).not.toContain("a secret");
  });

  test("is told that its chat was deleted, and of nothing before, and goes then", async () => {
    const ann = await world.person("ann");
    const chat = await ann.chat();
    const told1 = await hook(ann, chat.id);
    const deaf = await hook(ann, chat.id, ["message.created"]);
    await ann.say(chat.id, "a secret");
    await tellWebhooks(world.ctx);
    const deleted = await ann.api("DELETE", `/api/chats/${chat.id}`);
    expect([deleted.status, deleted.body]).toEqual([200, { message: expect.any(String) }]);
    await told();
    expect(typesAt(told1.path).at(-1)).toBe("chat.deleted");
    expect(typesAt(deaf.path)).not.toContain("chat.deleted");
    await cleanUpWebhooks(world.ctx);
    expect(await world.sql`select from webhooks where chat_id = ${chat.id}`).toHaveLength(0);
  });

  test("is sent none of what still waits when its chat is deleted, except for the deletion", async () => {
    const ann = await world.person("ann");
    const chat = await ann.chat();
    const { path } = await hook(ann, chat.id);
    const slow = Promise.withResolvers<void>();
    receiver.answer = async () => {
      await slow.promise;
      return new Response();
    };
    for (const text of ["one", "two"]) await ann.say(chat.id, text);
    await tellWebhooks(world.ctx);
    await receiver.untilAt(path, 1);
    await ann.api("DELETE", `/api/chats/${chat.id}`);
    slow.resolve();
    await world.jobs.idle();
    expect(typesAt(path)).toEqual(["message.created", "chat.deleted"]);
    expect(await world.sql`select from jobs where dead_at is not null`).toHaveLength(0);
    await cleanUpWebhooks(world.ctx);
    expect(await world.sql`select from webhooks where chat_id = ${chat.id}`).toHaveLength(0);
  });

  test("is told nothing once the chat has another owner, until that owner turns it on", async () => {
    const [ann, ben] = [await world.person("ann"), await world.person("ben")];
    const chat = await ann.chat({ with: [ben] });
    const made = await hook(ann, chat.id);
    await ann.api("PATCH", `/api/chats/${chat.id}`, { owner_id: ben.id });
    await ben.say(chat.id, "unheard");
    await told();
    expect(typesAt(made.path)).toEqual([]);
    expectProblem(await ann.api("GET", `/api/webhooks/${made.webhook.id}`), 404, "not_found");
    const { body: list } = await ben.api("GET", `/api/chats/${chat.id}/webhooks`);
    expect(list).toMatchObject([{ id: made.webhook.id, off_reason: "other_owner" }]);
    expect((await change(ben, made, { is_enabled: true })).body.off_reason).toBeNull();
    await ben.say(chat.id, "heard");
    await told();
    expect(typesAt(made.path)).toEqual(["message.created"]);
  });

  test("is for the owner only, and found by nobody else", async () => {
    const [ann, ben, cid] = [
      await world.person("ann"),
      await world.person("ben"),
      await world.person("cid"),
    ];
    const chat = await ann.chat({ with: [ben] });
    const made = await hook(ann, chat.id);
    const at = `/api/chats/${chat.id}/webhooks`;
    const input = { url: made.url, events: ["message.created"] };
    expectProblem(await ben.api("POST", at, input), 403, "forbidden");
    expectProblem(await ben.api("GET", at), 403, "forbidden");
    expectProblem(await cid.api("POST", at, input), 404, "not_found");
    expectProblem(await cid.api("GET", at), 404, "not_found");
    const one = `/api/webhooks/${made.webhook.id}`;
    const { id } = (await ann.api("POST", `${one}/test`)).body;
    const calls: [string, string, object?][] = [
      ["GET", one],
      ["PATCH", one, { is_enabled: false }],
      ["DELETE", one],
      ["POST", `${one}/test`],
      ["POST", `${one}/secret`, {}],
      ["GET", `${one}/deliveries`],
      ["POST", `${one}/deliveries/${id}/redeliver`],
    ];
    for (const person of [ben, cid]) {
      for (const call of calls) expectProblem(await person.api(...call), 404, "not_found");
    }
    const other = await hook(ann, undefined);
    const foreign = `/api/webhooks/${other.webhook.id}/deliveries/${id}/redeliver`;
    expectProblem(await ann.api("POST", foreign), 404, "not_found");
    await told();
  });

  test("cannot be added to a chat that has 10", async () => {
    const ann = await world.person("ann");
    const chat = await ann.chat();
    const { url } = receiver.path();
    const add = () =>
      ann.api("POST", `/api/chats/${chat.id}/webhooks`, { url, events: chatEvents });
    const answers = await Promise.all(Array.from({ length: 12 }, add));
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused).toHaveLength(2);
    for (const answer of refused) expectProblem(answer, 409, "too_many_webhooks");
  });
});

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
    const { path } = await hook(ann, undefined);
    await ben.say(muted.id, `@${ann.username} muted`);
    await cid.say(shared.id, `@${ann.username} blocked`);
    await ben.say(open.id, "seen");
    await ben.say(shared.id, "heard");
    await told();
    expect(receiver.at(path).map(({ data }) => data.chat_id)).toEqual([shared.id]);
    expect(receiver.at(path)[0]?.text).toContain("heard");
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

describe("a delivery", () => {
  test("is tried again with the same id until it is taken, and later ones wait for it", async () => {
    const ann = await world.person("ann");
    const chat = await ann.chat();
    const made = await hook(ann, chat.id);
    let tries = 0;
    receiver.answer = () => {
      tries += 1;
      return new Response("no", { status: tries < 3 ? 500 : 200 });
    };
    for (const text of ["one", "two", "three"]) await ann.say(chat.id, text);
    await told();
    const [first, again, once, ...rest] = receiver.at(made.path);
    expect(new Set([first?.id, again?.id, once?.id]).size).toBe(1);
    expect(seqsAt(made.path)).toEqual([1, 1, 1, 2, 3]);
    expect(rest.map(({ id }) => id)).not.toContain(first?.id ?? "");
    expect(await deliveriesOf(ann, made)).toMatchObject([
      { seq: 3, status: "delivered", attempts: 1, response_status: 200, error: null },
      { seq: 2, status: "delivered", attempts: 1 },
      { seq: 1, status: "delivered", attempts: 3, attempted_at: time, next_attempt_at: null },
    ]);
    expect((await get(ann, made)).failing_since).toBeNull();
  });

  test("is given up after the last try, and does not hold up the next one any more", async () => {
    const ann = await world.person("ann");
    const chat = await ann.chat();
    const made = await hook(ann, chat.id);
    receiver.answer = ({ data }) => new Response(null, { status: data.seq === 1 ? 503 : 204 });
    await ann.say(chat.id, "one");
    await ann.say(chat.id, "two");
    await told();
    expect(seqsAt(made.path)).toEqual([1, 1, 1, 1, 2]);
    expect(await deliveriesOf(ann, made)).toMatchObject([
      { seq: 2, status: "delivered" },
      { seq: 1, status: "failed", attempts: 4, response_status: 503, error: "it answered 503" },
    ]);
    expect(await world.sql`select from jobs where dead_at is not null`).toHaveLength(0);
  });

  test("to a slow receiver holds up no other receiver", async () => {
    const ann = await world.person("ann");
    const chat = await ann.chat();
    const [slow, fast] = [await hook(ann, chat.id), await hook(ann, chat.id)];
    const waiting = Promise.withResolvers<void>();
    const done = Promise.withResolvers<void>();
    receiver.answer = async ({ path, data }) => {
      if (path === slow.path) await waiting.promise;
      else if (data.seq === 3) done.resolve();
      return new Response();
    };
    for (const text of ["one", "two", "three"]) await ann.say(chat.id, text);
    const all = told();
    await done.promise;
    expect(seqsAt(fast.path)).toEqual([1, 2, 3]);
    expect(seqsAt(slow.path)).toEqual([1]);
    waiting.resolve();
    await all;
    expect(seqsAt(slow.path)).toEqual([1, 2, 3]);
  });

  test("to a person's many slow receivers holds up no other person's", async () => {
    const [ann, ben] = [await world.person("ann"), await world.person("ben")];
    const slow = Promise.withResolvers<void>();
    const waiting = new Set<string>();
    for (let n = 0; n < 3; n += 1) {
      const chat = await ann.chat();
      for (let place = 0; place < 8; place += 1) waiting.add((await hook(ann, chat.id)).path);
      await ann.say(chat.id, "one");
    }
    const chat = await ben.chat();
    const { path } = await hook(ben, chat.id);
    receiver.answer = async (event) => {
      if (waiting.has(event.path)) await slow.promise;
      return new Response();
    };
    await tellWebhooks(world.ctx);
    await ben.say(chat.id, "hello");
    const all = told();
    await receiver.untilAt(path, 1);
    expect(receiver.events.filter((event) => waiting.has(event.path)).length).toBe(3);
    slow.resolve();
    await all;
    expect(receiver.events.filter((event) => waiting.has(event.path)).length).toBe(24);
  });

  test.each([301, 302, 307, 400, 404, 429])("that is answered %i is not taken", async (status) => {
    const ann = await world.person("ann");
    const chat = await ann.chat();
    const made = await hook(ann, chat.id);
    const elsewhere = receiver.path();
    receiver.answer = () => new Response(null, { status, headers: { location: elsewhere.url } });
    await ann.say(chat.id, "one");
    await told();
    expect(seqsAt(made.path)).toEqual([1, 1, 1, 1]);
    expect(typesAt(elsewhere.path)).toEqual([]);
  });

  test("that is answered 410 turns the webhook off, and the owner is sent a mail", async () => {
    const ann = await world.person("ann");
    const chat = await ann.chat();
    const made = await hook(ann, chat.id);
    receiver.answer = () => new Response(null, { status: 410 });
    for (const text of ["one", "two"]) await ann.say(chat.id, text);
    await told();
    expect(seqsAt(made.path)).toEqual([1]);
    expect((await deliveriesOf(ann, made)).map(({ status }) => status)).toEqual([
      "skipped",
      "failed",
    ]);
    expect(await get(ann, made)).toMatchObject({ is_enabled: false, off_reason: "gone" });
    const mail = await mailbox.mailTo(ann.email);
    expect(mail.raw).toContain("127.0.0.1");
    // The path may be a secret.
    expect(mail.raw).not.toContain(made.path);
    receiver.answer = accept;
    await ann.say(chat.id, "three");
    await told();
    expect((await change(ann, made, { is_enabled: true })).body).toMatchObject({
      is_enabled: true,
      off_reason: null,
    });
    await ann.say(chat.id, "four");
    await told();
    expect(seqsAt(made.path)).toEqual([1, 4]);
  });

  test("that fails after three days of failures turns the webhook off, and the owner is sent a mail", async () => {
    const ann = await world.person("ann");
    const chat = await ann.chat();
    const made = await hook(ann, chat.id);
    receiver.answer = () => new Response(null, { status: 500 });
    await ann.say(chat.id, "one");
    await told();
    expect(await get(ann, made)).toMatchObject({ is_enabled: true, failing_since: time });
    await world.sql`update webhooks set failing_since = now() - interval '71 hours' where id = ${made.webhook.id}`;
    await ann.say(chat.id, "two");
    await told();
    expect(await get(ann, made)).toMatchObject({ is_enabled: true });
    await world.sql`update webhooks set failing_since = now() - interval '73 hours' where id = ${made.webhook.id}`;
    await ann.say(chat.id, "three");
    await told();
    expect(await get(ann, made)).toMatchObject({ is_enabled: false, off_reason: "failing" });
    expect((await mailbox.mailTo(ann.email)).raw).toContain("three days");
  });

  test("to an address whose network is not allowed any more fails, and nobody is called", async () => {
    const ann = await world.person("ann");
    const chat = await ann.chat();
    const made = await hook(ann, chat.id);
    const inside = `http://127.0.0.2:${new URL(made.url).port}/`;
    await world.sql`update webhooks set url = ${inside} where id = ${made.webhook.id}`;
    await ann.say(chat.id, "one");
    await told();
    expect(typesAt("/")).toEqual([]);
    expect(await deliveriesOf(ann, made)).toMatchObject([
      { status: "failed", response_status: null, error: "The address is not a public one." },
    ]);
  });

  test("can be looked at and sent again, with the same id", async () => {
    const ann = await world.person("ann");
    const chat = await ann.chat();
    const made = await hook(ann, chat.id);
    await ann.say(chat.id, "one");
    await told();
    const [delivery] = await deliveriesOf(ann, made);
    const at = `/api/webhooks/${made.webhook.id}/deliveries/${delivery?.id}/redeliver`;
    expect((await ann.api("POST", at)).status).toBe(200);
    await told();
    const [first, again] = receiver.at(made.path);
    expect(again?.id).toBe(first?.id ?? "none");
    expect(first?.id).toBe(`msg_${delivery?.event_id}`);
    expect(again?.isVerified).toBe(true);
    await change(ann, made, { is_enabled: false });
    expectProblem(await ann.api("POST", at), 409, "webhook_off");
  });

  test("goes by after 100 later ones", async () => {
    const ann = await world.person("ann");
    const chat = await ann.chat();
    const made = await hook(ann, chat.id);
    await world.sql`
      insert into webhook_deliveries (webhook_id, type, status)
      select ${made.webhook.id}, 'test', 'delivered' from generate_series(1, 130)
    `;
    expect(await deliveriesOf(ann, made)).toHaveLength(100);
    await cleanUpWebhooks(world.ctx);
    const left =
      await world.sql`select from webhook_deliveries where webhook_id = ${made.webhook.id}`;
    expect(left).toHaveLength(100);
  });
});

test("several servers tell each event once, in order", async () => {
  const [ann, ben] = [await world.person("ann"), await world.person("ben")];
  const chat = await ann.chat({ with: [ben] });
  const { path } = await hook(ann, chat.id);
  const others = [1, 2].map(() =>
    world.startAnother({ durations: { webhookMs: 5, jobPollMs: 5, webhookRetryMs: [1] } }),
  );
  await Promise.all(
    Array.from({ length: 40 }, (_, n) => (n % 2 ? ann : ben).say(chat.id, `message ${n}`)),
  );
  await receiver.untilAt(path, 40);
  await Promise.all(others.map((other) => other.stop()));
  await told();
  expect(seqsAt(path)).toEqual(Array.from({ length: 40 }, (_, n) => n + 1));
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

test("a busy chat fills the log and not the table while a receiver is away", async () => {
  const ann = await world.person("ann");
  const chat = await ann.chat();
  const made = await hook(ann, chat.id);
  const away = Promise.withResolvers<void>();
  receiver.answer = async () => {
    await away.promise;
    return new Response();
  };
  await Promise.all(Array.from({ length: 130 }, (_, n) => ann.say(chat.id, `message ${n}`)));
  for (let pass = 0; pass < 5; pass += 1) await tellWebhooks(world.ctx);
  const pending =
    await world.sql`select from webhook_deliveries where webhook_id = ${made.webhook.id}`;
  expect(pending).toHaveLength(100);
  away.resolve();
  await told();
  expect(seqsAt(made.path)).toEqual(Array.from({ length: 130 }, (_, n) => n + 1));
});

test("a secret is read with the key before, and with no other one", () => {
  const keys = (secretKey: string, previousSecretKey?: string) => ({
    secretKey,
    config: { ...world.config, previousSecretKey },
  });
  const sealed = sealSecret(keys("old"), "whsec_x");
  expect(openSecret(keys("old"), sealed)).toBe("whsec_x");
  expect(openSecret(keys("new", "old"), sealed)).toBe("whsec_x");
  expect(openSecret(keys("new"), sealed)).toBeUndefined();
  sealed[sealed.length - 1]! ^= 1;
  expect(openSecret(keys("old"), sealed)).toBeUndefined();
});

describe("a secret", () => {
  test("that the previous key has sealed can be read without that key after it was sealed again", async () => {
    const ann = await world.person("ann");
    const chat = await ann.chat();
    const made = await hook(ann, chat.id);
    const { body: rotated } = await ann.api("POST", `/api/webhooks/${made.webhook.id}/secret`, {});
    const other = await hook(ann, chat.id);
    const secretKey = "the next key ".repeat(5);
    const next = { ...world.ctx, secretKey };
    const previousSecretKey = world.ctx.secretKey;
    const sealed = () => world.sql`
      select encode(sealed_secret, 'hex') as secret, encode(sealed_previous, 'hex') as previous
      from webhooks where chat_id = ${chat.id} order by id
    `;
    const before = await sealed();
    await resealSecrets(next);
    expect(await sealed()).toEqual(before);
    await resealSecrets({ ...next, config: { ...next.config, previousSecretKey } });
    const open = (hex: string) => openSecret(next, Buffer.from(hex, "hex"));
    const after = await sealed();
    expect(after.map(({ secret, previous }) => [open(secret), previous && open(previous)])).toEqual(
      [
        [rotated.secret, made.webhook.secret],
        [other.webhook.secret, null],
      ],
    );
    await resealSecrets({ ...next, config: { ...next.config, previousSecretKey } });
    expect(await sealed()).toEqual(after);
    // Other tests need their webhooks.
    const back = { ...world.config, previousSecretKey: secretKey };
    await resealSecrets({ ...world.ctx, config: back });
  });

  test("is shown once, and lies encrypted in the database", async () => {
    const ann = await world.person("ann");
    const chat = await ann.chat();
    const made = await hook(ann, chat.id);
    const { secret } = made.webhook;
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const lists = await ann.api("GET", `/api/chats/${chat.id}/webhooks`);
    expect(JSON.stringify([lists.body, await get(ann, made)])).not.toContain("whsec_");
    const rows = await world.sql`
      select encode(sealed_secret, 'escape') as text, encode(sealed_secret, 'base64') as base64 from webhooks where id = ${made.webhook.id}
    `;
    expect(JSON.stringify([...rows])).not.toContain(secret.slice(6, 20));
  });

  test("that is rotated signs beside the new one for a day", async () => {
    const ann = await world.person("ann");
    const chat = await ann.chat();
    const made = await hook(ann, chat.id);
    const at = `/api/webhooks/${made.webhook.id}/secret`;
    const { body: rotated } = await ann.api("POST", at, {});
    expect(rotated.secret).not.toBe(made.webhook.secret);
    expect(rotated.previous_secret_until).toEqual(time);
    await ann.say(chat.id, "both");
    await told();
    const [both] = receiver.at(made.path);
    expect(both?.headers.get("webhook-signature")?.split(" ")).toHaveLength(2);
    expect(both?.isVerified).toBe(true);
    receiver.secrets.set(made.path, rotated.secret);
    expect(receiver.verifies(made.path, both?.text ?? "", both?.headers ?? new Headers())).toBe(
      true,
    );
    await world.sql`update webhooks set previous_until = now() where id = ${made.webhook.id}`;
    await ann.say(chat.id, "the new one only");
    await told();
    const second = receiver.at(made.path)[1];
    expect(second?.headers.get("webhook-signature")?.split(" ")).toHaveLength(1);
    expect(second?.isVerified).toBe(true);
  });

  test("of one's own is taken, and of another form refused", async () => {
    const ann = await world.person("ann");
    const { url, path } = receiver.path();
    const secret = `whsec_${Buffer.alloc(24, 7).toString("base64")}`;
    const { body } = await ann.api("POST", "/api/webhooks", { url, events: ["mention"], secret });
    expect(body.secret).toBe(secret);
    receiver.secrets.set(path, secret);
    await ann.api("POST", `/api/webhooks/${body.id}/test`);
    await told();
    expect(receiver.at(path)).toMatchObject([{ type: "test", isVerified: true }]);
    for (const wrong of ["x", "whsec_", `whsec_${"A".repeat(20)}`, `whsec_${"A".repeat(200)}`, 7]) {
      const input = { url, events: ["mention"], secret: wrong };
      expectInvalid(await ann.api("POST", "/api/webhooks", input), "/secret");
    }
  });
});

describe("input", () => {
  test("with an address that is not public is refused", async () => {
    const ann = await world.person("ann");
    const chat = await ann.chat();
    const made = await hook(ann, chat.id);
    const urls = [
      "http://169.254.169.254/latest",
      "http://[::1]/",
      "http://10.0.0.1/",
      "ftp://a.b/",
    ];
    for (const url of [...urls, "http://u:p@example.com/", "no address", ""]) {
      const input = { url, events: ["message.created"] };
      expectInvalid(await ann.api("POST", `/api/chats/${chat.id}/webhooks`, input), "/url");
      expectInvalid(await change(ann, made, { url }), "/url");
      expectInvalid(await ann.api("POST", "/api/webhooks", { url, events: ["mention"] }), "/url");
    }
    expect((await get(ann, made)).url).toBe(made.url);
  });

  test("with events of the other kind, unknown ones or none is refused", async () => {
    const ann = await world.person("ann");
    const chat = await ann.chat();
    const [made, own] = [await hook(ann, chat.id), await hook(ann, undefined)];
    expectInvalid(await change(ann, made, { events: ["mention"] }), "/events");
    expectInvalid(await change(ann, own, { events: ["message.created"] }), "/events");
    expectInvalid(await change(ann, own, { events: [] }), "/events");
    const { url } = receiver.path();
    const input = { url, events: ["nothing"] };
    expectInvalid(await ann.api("POST", "/api/webhooks", input), "/events/0");
    const { body } = await change(ann, made, { events: ["chat.updated", "chat.updated"] });
    expect(body.events).toEqual(["chat.updated"]);
  });
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

test("what was done is in the audit trail, without secrets", async () => {
  const ann = await world.person("ann");
  const chat = await ann.chat();
  const made = await hook(ann, chat.id);
  await ann.api("POST", `/api/webhooks/${made.webhook.id}/secret`, {});
  await change(ann, made, { events: ["chat.updated"] });
  await ann.api("DELETE", `/api/webhooks/${made.webhook.id}`);
  expectProblem(await ann.api("GET", `/api/webhooks/${made.webhook.id}`), 404, "not_found");
  const events = await world.sql`
    select action, target, details from audit_events where actor_id = ${ann.id} and target like 'webhook:%' order by id
  `;
  const target = `webhook:${made.webhook.id}`;
  const details = { chat_id: chat.id };
  expect([...events]).toEqual(
    ["create_webhook", "rotate_webhook_secret", "change_webhook", "delete_webhook"].map(
      (action) => ({ action, target, details }),
    ),
  );
});
