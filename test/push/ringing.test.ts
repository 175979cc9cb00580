import { beforeAll, describe, expect, test } from "bun:test";
import { answer, answerAndHang, finish, say } from "../world/gemini/script.ts";
import type { Person } from "../world/world.ts";
import { usePush } from "./use-push.ts";

const { world, service, subscribed, rings, scene, given } = usePush();
let ann: Person;
let ben: Person;
beforeAll(() => {
  ({ ann, ben } = given());
});

describe("a browser rings", () => {
  test("for a mention, encrypted for it and signed by the server", async () => {
    const { dan, group } = await scene();
    const { seq } = await ann.say(group.id, `@${dan.username} look at this`);
    await world.sql`update jobs set due_at = now() where kind = 'push'`;
    await world.jobs.idle();
    expect(service.received).toEqual([
      {
        payload: {
          chat_id: group.id,
          seq,
          title: `${ann.username} in Physics`,
          body: `@${dan.username} look at this`,
        },
        ttl: 43_200,
        urgency: "high",
        topic: expect.stringMatching(/^[\w-]{32}$/),
        bytes: expect.any(Number),
      },
    ]);
  });

  test("for a mention that an edit has added, once", async () => {
    const { dan, group } = await scene();
    const { id } = await ann.say(group.id, "look");
    const message = `/api/chats/${group.id}/messages/${id}`;
    await ann.api("PATCH", message, { content: `@${dan.username} look` });
    expect(await rings()).toEqual([`@${dan.username} look`]);
    await ann.api("PATCH", message, { content: `@${dan.username} look there` });
    expect(await rings()).toEqual([]);
  });

  test("for every message of a private chat, and once for one that mentions the person", async () => {
    const { dan, direct } = await scene();
    await ann.say(direct.id, "hello");
    expect(await rings()).toEqual(["hello"]);
    await ann.say(direct.id, `@${dan.username} are you there?`);
    expect(await rings()).toEqual([`@${dan.username} are you there?`]);
  });

  test("once for several messages or mentions of a chat in a few seconds, with the latest that is left", async () => {
    const { dan, group, direct } = await scene();
    await Promise.all(["one", "two", "three"].map((text) => ann.say(direct.id, text)));
    await ann.say(direct.id, "four");
    const { id } = await ann.say(direct.id, "a mistake");
    await ann.api("DELETE", `/api/chats/${direct.id}/messages/${id}`);
    for (const text of ["five", "six"]) await ann.say(group.id, `@${dan.username} ${text}`);
    await ann.say(group.id, "seven");
    const [{ count } = {}] =
      await world.sql`select count(*)::int from jobs where kind = 'push' and order_key = ${`push:${dan.id}`}`;
    expect(count).toBe(2);
    expect((await rings()).toSorted()).toEqual([`@${dan.username} six`, "four"]);
    await ann.say(direct.id, "eight");
    expect(await rings()).toEqual(["eight"]);
  });

  test("for a message whose mention was edited away no more", async () => {
    const { dan, group } = await scene();
    const { id } = await ann.say(group.id, `@${dan.username} look`);
    await ann.api("PATCH", `/api/chats/${group.id}/messages/${id}`, { content: "look" });
    expect(await rings()).toEqual([]);
  });

  test("when an answer that the person has asked for has ended, and not when somebody stopped it", async () => {
    const { dan, group } = await scene();
    world.gemini.respondWith(answer(say("Because of Rayleigh."), finish()));
    const listener = await ben.joined(group.id);
    await dan.say(group.id, "/bot Why is the sky blue?");
    await listener.next("bot_stream", { is_complete: true });
    await listener.close();
    expect(await rings()).toEqual(["Because of Rayleigh."]);
    world.gemini.respondWith(answerAndHang(say("Because")));
    const watching = await ben.joined(group.id);
    await dan.say(group.id, "/bot And why is the grass green?");
    const { message_id: answerId } = await watching.next("bot_stream", { chunk: "Because" });
    await ben.api("POST", `/api/chats/${group.id}/messages/${answerId}/stop`);
    await watching.next("bot_stream", { is_complete: true });
    await watching.close();
    expect(await rings()).toEqual([]);
  });

  test("for the person who has asked for another answer, and not for the author of the question", async () => {
    const { dan, group } = await scene();
    await subscribed(ben);
    world.gemini.respondWith(answer(say("Because of Rayleigh."), finish()));
    const listener = await ann.joined(group.id);
    await dan.say(group.id, "/bot Why is the sky blue?");
    const { message_id: answerId } = await listener.next("bot_stream", { is_complete: true });
    expect(await rings()).toEqual(["Because of Rayleigh."]);
    world.gemini.respondWith(answer(say("Because of the air."), finish()));
    await ben.api("POST", `/api/chats/${group.id}/messages/${answerId}/regenerate`);
    await listener.next("bot_stream", { is_complete: true });
    await listener.close();
    const told = await world.sql`
      select s.user_id from jobs join push_subscriptions s on s.id = (payload ->> 'subscription_id')::bigint
      where kind = 'push' and dead_at is null
    `;
    expect([...told]).toEqual([{ user_id: ben.id }]);
    expect(await rings()).toEqual(["Because of the air."]);
    await world.sql`delete from push_subscriptions where user_id = ${ben.id}`;
  });

  test("with the beginning of a long text, or without the text if the person chooses so", async () => {
    const { dan, direct } = await scene();
    await subscribed(dan, { shows_text: false });
    await ann.say(direct.id, "🙂".repeat(4_000));
    const bodies = await rings();
    expect(bodies.toSorted()).toEqual(["There is a new message.", "🙂".repeat(100)]);
  });

  test("in the same topic for one chat, and in another for another one", async () => {
    const { dan, group, direct } = await scene();
    for (const text of ["one", "two"]) {
      await ann.say(direct.id, text);
      if (text === "two") await ann.say(group.id, `@${dan.username} three`);
      await world.sql`update jobs set due_at = now() where kind = 'push'`;
      await world.jobs.idle();
    }
    const topics = Map.groupBy(service.received, ({ topic }) => topic);
    expect([...topics.values()].map((each) => each.length).toSorted()).toEqual([1, 2]);
  });
});
