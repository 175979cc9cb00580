// The webhooks of chats: which events they are told of.
import { describe, expect, test } from "bun:test";
import { cleanUpWebhooks, tellWebhooks } from "../../src/webhooks/actions.ts";
import { chatEvents } from "../../src/wire/webhooks.ts";
import { expectProblem, time } from "../http/refusals.ts";
import { useWebhooks } from "./use-webhooks.ts";

const { world, receiver, told, hook, typesAt, seqsAt, change } = await useWebhooks();

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
