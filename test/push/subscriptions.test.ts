import { beforeAll, describe, expect, test } from "bun:test";
import { expectInvalid, expectProblem, time } from "../http/refusals.ts";
import { pushSubscriptionsMax } from "../../src/wire/push.ts";
import type { Person } from "../world/world.ts";
import { path, usePush } from "./use-push.ts";

const { world, service, subscribed, rings, scene, pages, given } = usePush();
let ann: Person;
let ben: Person;
let key: string;
beforeAll(() => {
  ({ ann, ben, key } = given());
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
    for (let n = pages() - 3; n <= pages(); n += 1) service.silent.add(`/push/page${n}`);
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
    service.silent.add(`/push/page${pages()}`);
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
