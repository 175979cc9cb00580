// Deliveries: tries, order, slow receivers, the end of a webhook, and sending one again.
import { describe, expect, test } from "bun:test";
import { cleanUpWebhooks, tellWebhooks } from "../../src/webhooks/actions.ts";
import { expectProblem, time } from "../http/refusals.ts";
import { useWebhooks } from "./use-webhooks.ts";

const { world, receiver, accept, mailbox, told, hook, typesAt, seqsAt, deliveriesOf, change, get } =
  await useWebhooks();

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
    const three = Promise.withResolvers<void>();
    let asked = 0;
    receiver.answer = async (event) => {
      if (waiting.has(event.path)) {
        asked += 1;
        if (asked === 3) three.resolve();
        await slow.promise;
      }
      return new Response();
    };
    await tellWebhooks(world.ctx);
    await ben.say(chat.id, "hello");
    const all = told();
    await Promise.all([receiver.untilAt(path, 1), three.promise]);
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

  test("goes by however many there were since the last clean-up, and one that is to be sent stays", async () => {
    const ann = await world.person("ann");
    const chat = await ann.chat();
    const made = await hook(ann, chat.id);
    const { id } = made.webhook;
    await world.sql`
      insert into webhook_deliveries (webhook_id, type, status, created_at)
      select ${id}, 'test', case when n = 7 then 'pending' when n % 2 = 0 then 'failed' else 'delivered' end,
        case when n > 12_090 then now() - interval '31 days' else now() end
      from generate_series(1, 12_100) n
    `;
    await cleanUpWebhooks(world.ctx);
    const left = await world.sql<{ status: string }[]>`
      select status from webhook_deliveries where webhook_id = ${id} order by id
    `;
    // Of the newest hundred, ten are old.
    expect(left).toHaveLength(1 + 90);
    expect(left.filter(({ status }) => status === "pending")).toHaveLength(1);
  });
});
