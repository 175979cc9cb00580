import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { answer, answerAndHang, finish, say } from "../world/gemini/script.ts";
import { expectInvalid, expectProblem, time } from "../http/refusals.ts";
import { pushSubscriptionsMax } from "../../src/wire/push.ts";
import { useWorld, type Person } from "../world/world.ts";
import { startPushService, type PushService } from "./push-service.ts";

const quickly = { presenceHoldMs: 1, jobPollMs: 3_600_000, pushAnswerMs: 300 };
const world = useWorld({ env: { WEBHOOK_ALLOW: "127.0.0.1" }, durations: quickly });
const path = "/api/push/subscriptions";
let service: PushService;
let ann: Person;
let ben: Person;
let key: string;
beforeAll(async () => {
  service = startPushService();
  ann = await world.person("ann");
  ben = await world.person("ben");
  key = (await ann.api("GET", "/api/push/key")).body.public_key;
});
afterAll(() => service.stop());
beforeEach(async () => {
  await rings();
  service.received.length = 0;
});

let pages = 0;

/** Has a browser of a person ring, with a name of its own. */
async function subscribed(person: Person, more: object = {}) {
  const subscription = service.subscribe(key, `page${(pages += 1)}`);
  const { status, body } = await person.api("POST", path, { ...subscription, ...more });
  expect(status).toBe(200);
  return body;
}

/** Jobs that are due in some seconds are done now. @returns the bodies of what the browsers have received since */
async function rings(): Promise<string[]> {
  await world.sql`update jobs set due_at = now() where kind = 'push' and dead_at is null`;
  await world.jobs.idle();
  expect(service.faults).toEqual([]);
  return service.received.splice(0).map(({ payload }) => payload.body);
}

/** A person with a browser that rings, and a group and a private chat with ann. */
async function scene() {
  const dan = await world.person("dan");
  const subscription = await subscribed(dan);
  const group = await ann.chat({ name: "Physics", with: [dan, ben] });
  const { body: direct } = await ann.api("POST", "/api/chats", {
    is_group: false,
    participant_usernames: [dan.username],
  });
  return { dan, subscription, group, direct };
}

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

describe("a browser does not ring", () => {
  test("for the person's own messages, others' messages in groups, and mentions of others", async () => {
    const { dan, group, direct } = await scene();
    await dan.say(direct.id, "mine");
    await ann.say(group.id, "just so");
    await ann.say(group.id, `@${ben.username} hello`);
    expect(await rings()).toEqual([]);
  });

  test("while a client of the person is active on any server, and does when it is only connected", async () => {
    const { dan, direct } = await scene();
    const other = world.startAnother({ durations: quickly });
    const socket = await dan.socket();
    await world.presence.people.flush();
    await ann.say(direct.id, "seen on the screen");
    await world.sql`update jobs set due_at = now() where kind = 'push'`;
    await other.jobs.idle();
    expect(await rings()).toEqual([]);
    await socket.ask({ type: "presence", status: "away" });
    await world.presence.people.flush();
    await ann.say(direct.id, "the page is hidden");
    expect(await rings()).toEqual(["the page is hidden"]);
    await socket.close();
    await other.stop();
  });

  test("while its person is active, but does when it turns out that the person has gone", async () => {
    const { dan, direct } = await scene();
    const socket = await dan.socket();
    await world.presence.people.flush();
    await ann.say(direct.id, "one");
    await ann.say(direct.id, "two");
    expect(await rings()).toEqual([]);
    await ann.say(direct.id, "three");
    expect(await rings()).toEqual([]);
    const due = await world.sql`
      select extract(epoch from due_at - now())::int between 40 and 60 as is_later from jobs where kind = 'push'
    `;
    expect(due.map(({ is_later }) => is_later)).toEqual([true]);
    await socket.ask({ type: "presence", status: "away" });
    await world.presence.people.flush();
    expect(await rings()).toEqual(["three"]);
    await socket.ask({ type: "presence", status: "online" });
    await world.presence.people.flush();
    await ann.say(direct.id, "four");
    await world.sql`update jobs set due_at = now() where order_key = ${`push:${dan.id}`}`;
    await world.jobs.idle();
    await socket.ask({ type: "presence", status: "away" });
    await world.presence.people.flush();
    await ann.say(direct.id, "five");
    await world.sql`update jobs set due_at = now() where order_key = ${`push:${dan.id}`}`;
    await world.jobs.idle();
    const left = await world.sql`select from jobs where kind = 'push'`;
    expect([...left]).toEqual([]);
    expect(await rings()).toEqual(["five"]);
    await socket.close();
  });

  test("for a message that waits for so long that the push service would not keep it", async () => {
    const { direct } = await scene();
    await ann.say(direct.id, "old");
    await world.sql`update jobs set created_at = now() - interval '13 hours' where kind = 'push'`;
    expect(await rings()).toEqual([]);
    const left = await world.sql`select from jobs where kind = 'push'`;
    expect([...left]).toEqual([]);
  });

  test("for what is read, deleted or muted by then", async () => {
    const { dan, direct } = await scene();
    await ann.say(direct.id, "read");
    await dan.api("POST", `/api/chats/${direct.id}/mark-read`);
    expect(await rings()).toEqual([]);
    const { id } = await ann.say(direct.id, "deleted");
    await ann.api("DELETE", `/api/chats/${direct.id}/messages/${id}`);
    expect(await rings()).toEqual([]);
    await dan.api("PUT", `/api/chats/${direct.id}/preferences`, {
      muted_until: "9999-12-31T23:59:59.999Z",
    });
    await ann.say(direct.id, "muted");
    expect(await rings()).toEqual([]);
  });

  test("for a person who has left, and for an author who is blocked", async () => {
    const { dan, group, direct } = await scene();
    await ann.say(group.id, `@${dan.username} are you there?`);
    await dan.api("POST", `/api/chats/${group.id}/leave`);
    await dan.api("PUT", `/api/users/${ann.id}/block`);
    await ann.say(direct.id, "blocked");
    expect(await rings()).toEqual([]);
  });

  test("for an incoming webhook whose creator is blocked", async () => {
    const { dan, group } = await scene();
    const { body: hook } = await ann.api("POST", `/api/chats/${group.id}/hooks`, { name: "Mine" });
    const address = new URL(new URL(hook.url).pathname, world.url);
    const body = JSON.stringify({ text: `@${dan.username} it is me` });
    const headers = { "content-type": "application/json" };
    await fetch(address, { method: "POST", body, headers });
    await dan.api("PUT", `/api/users/${ann.id}/block`);
    expect(await rings()).toEqual([]);
    await dan.api("DELETE", `/api/users/${ann.id}/block`);
    await fetch(address, { method: "POST", body, headers });
    expect(await rings()).toEqual([`@${dan.username} it is me`]);
  });

  test("once the session has ended, and its subscription is gone then", async () => {
    const { dan, direct } = await scene();
    await ann.say(direct.id, "on its way");
    await dan.api("DELETE", `/api/auth/sessions/${dan.sessionId}`);
    expect(await rings()).toEqual([]);
    const rows = await world.sql`select from push_subscriptions where user_id = ${dan.id}`;
    expect([...rows]).toEqual([]);
  });

  test("twice on several servers", async () => {
    const { direct } = await scene();
    const other = world.startAnother({ durations: quickly });
    await ann.say(direct.id, "once");
    await world.sql`update jobs set due_at = now() where kind = 'push'`;
    await Promise.all([world.jobs.idle(), other.jobs.idle()]);
    expect(await rings()).toEqual(["once"]);
    await other.stop();
  });
});

describe("a push service", () => {
  test.each([404, 410, 403])("that answers %i ends the subscription", async (status) => {
    const { dan, direct } = await scene();
    service.statuses.push(status);
    await ann.say(direct.id, "hello");
    expect(await rings()).toEqual([]);
    expect((await dan.api("GET", path)).body).toEqual([]);
  });

  test.each([429, 500])("that answers %i is asked again later", async (status) => {
    const { dan, direct } = await scene();
    service.statuses.push(status);
    await ann.say(direct.id, "again");
    expect(await rings()).toEqual([]);
    expect(await rings()).toEqual(["again"]);
    expect((await dan.api("GET", path)).body).toHaveLength(1);
  });

  test("that does not answer holds one place of its person, and is not asked for a while at last", async () => {
    const { dan, direct, group } = await scene();
    for (let n = 0; n < 3; n += 1) await subscribed(dan);
    await world.sql`
      update push_subscriptions set timeouts = 2 where user_id = ${dan.id}
    `;
    for (let n = pages - 3; n <= pages; n += 1) service.silent.add(`/push/page${n}`);
    const eve = await world.person("eve");
    await subscribed(eve);
    await ann
      .chat({ name: "Quick", with: [eve] })
      .then(({ id }) => ann.say(id, `@${eve.username} quick`));
    await ann.say(direct.id, "slow");
    expect(await rings()).toEqual([`@${eve.username} quick`]);
    expect(await rings()).toEqual([]);
    expect(service.mostSilent).toBe(1);
    const rests = await world.sql`
      select timeouts, rests_until > now() + interval '1 minute' as rests from push_subscriptions where user_id = ${dan.id}
    `;
    expect(rests).toContainEqual({ timeouts: 4, rests: true });
    await world.sql`delete from jobs where kind = 'push'`;
    await world.sql`update push_subscriptions set rests_until = now() + interval '1 hour' where user_id = ${dan.id}`;
    await ann.say(direct.id, "not told");
    await ann.say(group.id, `@${dan.username} not told`);
    const stored = await world.sql`select from jobs where kind = 'push'`;
    expect([...stored]).toEqual([]);
  });

  test("that does not answer for a day ends the subscription, and one that answers again starts afresh", async () => {
    const { dan, direct } = await scene();
    await world.sql`update push_subscriptions set timeouts = 11 where user_id = ${dan.id}`;
    await ann.say(direct.id, "it answers");
    expect(await rings()).toEqual(["it answers"]);
    const [row] =
      await world.sql`select timeouts, rests_until from push_subscriptions where user_id = ${dan.id}`;
    expect(row).toEqual({ timeouts: 0, rests_until: null });
    await world.sql`update push_subscriptions set timeouts = 11 where user_id = ${dan.id}`;
    service.silent.add(`/push/page${pages}`);
    await ann.say(direct.id, "it does not");
    await rings();
    expect((await dan.api("GET", path)).body).toEqual([]);
    expect(await rings()).toEqual([]);
  });

  test("that refuses a message for good is not asked again", async () => {
    const { direct } = await scene();
    service.statuses.push(413);
    await ann.say(direct.id, "too much");
    expect(await rings()).toEqual([]);
    const { calls } = service;
    expect(await rings()).toEqual([]);
    expect(service.calls).toBe(calls);
    const dead =
      await world.sql`select error from jobs where kind = 'push' and dead_at is not null`;
    expect([...dead]).toEqual([{ error: "the push service answered 413" }]);
    await world.sql`delete from jobs`;
  });
});

describe("subscriptions", () => {
  test("are listed without their secrets, and removed by their person alone", async () => {
    const eve = await world.person("eve");
    const stored = await subscribed(eve, { shows_text: false });
    expect(stored).toEqual({
      id: expect.any(Number),
      service: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      session_id: eve.sessionId,
      current: true,
      shows_text: false,
      created_at: time,
    });
    expect((await eve.api("GET", path)).body).toEqual([stored]);
    expectProblem(await ben.api("DELETE", `${path}/${stored.id}`), 404, "not_found");
    expect((await eve.api("DELETE", `${path}/${stored.id}`)).status).toBe(200);
    expect((await eve.api("GET", path)).body).toEqual([]);
    expectProblem(await eve.api("DELETE", `${path}/${stored.id}`), 404, "not_found");
  });

  test("of one browser are one, for whoever has subscribed last", async () => {
    const [fay, gus] = [await world.person("fay"), await world.person("gus")];
    const browser = service.subscribe(key, "shared");
    const first = await fay.api("POST", path, browser);
    const second = await fay.api("POST", path, { ...browser, shows_text: false });
    expect(second.body).toMatchObject({ id: first.body.id, shows_text: false });
    await gus.api("POST", path, browser);
    expect((await fay.api("GET", path)).body).toEqual([]);
    expect((await gus.api("GET", path)).body).toHaveLength(1);
  });

  test("are 20 of a person at most, of requests at once too", async () => {
    const hal = await world.person("hal");
    const answers = await Promise.all(
      Array.from({ length: pushSubscriptionsMax + 3 }, (_, n) =>
        hal.api("POST", path, service.subscribe(key, `many${n}`)),
      ),
    );
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused).toHaveLength(3);
    for (const each of refused) expectProblem(each, 409, "too_many_push_subscriptions");
  });

  test("of addresses that are none of a push service, and with keys that are none, are refused", async () => {
    const good = service.subscribe(key, "bad");
    const off = Buffer.alloc(65, 4).toString("base64url");
    const subscribe = (more: object) => ann.api("POST", path, { ...good, ...more });
    for (const endpoint of [
      "http://169.254.169.254/latest/meta-data",
      "http://10.0.0.1/",
      "https://[::1]/",
      "ftp://push.example.com/",
      "https://a:b@push.example.com/",
      "nothing",
      `https://push.example.com/${"x".repeat(2_100)}`,
    ]) {
      expectInvalid(await subscribe({ endpoint }), "/endpoint");
    }
    const { p256dh, auth } = good.keys;
    expectInvalid(await subscribe({ keys: { p256dh: off, auth } }), "/keys/p256dh");
    expectInvalid(await subscribe({ keys: { p256dh: "AAAA", auth } }), "/keys/p256dh");
    expectInvalid(await subscribe({ keys: { p256dh, auth: "AAAA" } }), "/keys/auth");
    expectInvalid(await subscribe({ keys: undefined }), "/keys");
    expectProblem(await world.call("GET", path), 401, "invalid_token");
  });

  test("are in the export of the person's data, without their secrets", async () => {
    const ida = await world.person("ida");
    await subscribed(ida);
    const response = await fetch(new URL("/api/auth/me/export", world.url), {
      headers: { authorization: `Bearer ${ida.token}` },
    });
    const lines = (await response.text()).trimEnd().split("\n");
    const types = lines
      .map((line) => JSON.parse(line))
      .filter(({ type }) => type === "push_subscription");
    expect(types).toEqual([
      expect.objectContaining({ service: expect.any(String), shows_text: true }),
    ]);
    expect(lines.join()).not.toContain(service.subscribe(key).keys.auth);
  });
});

test("every server of one secret key has the same key for push services", async () => {
  const other = world.startAnother();
  const response = await fetch(new URL("/api/push/key", other.url), {
    headers: { authorization: `Bearer ${ann.token}` },
  });
  expect(await response.json()).toEqual({ public_key: key });
  await other.stop();
});
