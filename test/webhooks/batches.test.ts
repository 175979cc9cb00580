// Runs that deliver several events of a webhook: what is noted of them together, and what ends them early.
import { describe, expect } from "bun:test";
import { tellWebhooks } from "../../src/webhooks/actions.ts";
import { noteAttempts } from "../../src/webhooks/delivery-queries.ts";
import type { ReceivedEvent } from "../world/webhook-receiver.ts";
import type { Person } from "../world/world.ts";
import { useWebhooks } from "./use-webhooks.ts";
import { longTest, test } from "../world/long.ts";

const { world, durations, receiver, told, hook, seqsAt, deliveriesOf, get } = await useWebhooks();

/** A webhook of a chat in which so much was said that it was not told of yet. */
async function backlog(count: number) {
  const ann = await world.person("ann");
  const chat = await ann.chat();
  const made = await hook(ann, chat.id);
  for (let n = 0; n < count; n += 1) await ann.say(chat.id, `message ${n}`);
  return { ann, chat, made };
}

/** Has the receiver answer one event only when it is let go; others at once, and its doubles, too. */
function hold(path: string, seq: number) {
  const held = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  let isFirst = true;
  receiver.answer = async (event) => {
    if (event.path === path && event.data.seq === seq && isFirst) {
      isFirst = false;
      asked.resolve();
      await held.promise;
    }
    return new Response(null, { status: 204 });
  };
  return { asked: asked.promise, letGo: held.resolve };
}

const idsOf = (events: readonly ReceivedEvent[]) =>
  new Set(events.map(({ id, data }) => `${id} ${String(data.seq)}`));
const outcomesOf = async (person: Person, made: Awaited<ReturnType<typeof hook>>) =>
  (await deliveriesOf(person, made))
    .map(({ seq, status, attempts }) => [seq, status, attempts])
    .reverse();

describe("a run with several events", () => {
  test("tells and notes each of them", async () => {
    const { ann, made } = await backlog(5);
    await told();
    expect(seqsAt(made.path)).toEqual([1, 2, 3, 4, 5]);
    expect(await outcomesOf(ann, made)).toEqual(
      [1, 2, 3, 4, 5].map((seq) => [seq, "delivered", 1]),
    );
    for (const delivery of await deliveriesOf(ann, made)) {
      expect(delivery).toMatchObject({ response_status: 204, duration_ms: expect.any(Number) });
      const { created_at: createdAt, attempted_at: attemptedAt } = delivery;
      expect(Date.parse(attemptedAt ?? "")).toBeGreaterThanOrEqual(Date.parse(createdAt));
    }
    expect(await world.sql`select from jobs`).toHaveLength(0);
  });

  longTest("of more than are noted at once tells all of them in their order", async () => {
    const ann = await world.person("ann");
    const chat = await ann.chat();
    const { path } = await hook(ann, chat.id);
    const numbers = Array.from({ length: 210 }, (_, n) => n + 1);
    await Promise.all(numbers.map((n) => ann.say(chat.id, `message ${n}`)));
    await told();
    expect(seqsAt(path)).toEqual(numbers);
    expect(idsOf(receiver.at(path)).size).toBe(210);
  });

  test("ends with the first that is not taken, which alone is tried again", async () => {
    const { ann, made } = await backlog(5);
    let tries = 0;
    receiver.answer = ({ data }) => {
      if (data.seq === 3) tries += 1;
      return new Response(null, { status: data.seq === 3 && tries < 3 ? 500 : 204 });
    };
    await told();
    expect(seqsAt(made.path)).toEqual([1, 2, 3, 3, 3, 4, 5]);
    expect(idsOf(receiver.at(made.path)).size).toBe(5);
    expect(await outcomesOf(ann, made)).toEqual([
      [1, "delivered", 1],
      [2, "delivered", 1],
      [3, "delivered", 3],
      [4, "delivered", 1],
      [5, "delivered", 1],
    ]);
    expect((await get(ann, made)).failing_since).toBeNull();
  });

  test("gives an event in the middle up after its last try, and goes on behind it", async () => {
    const { ann, made } = await backlog(4);
    receiver.answer = ({ data }) => new Response(null, { status: data.seq === 2 ? 503 : 204 });
    await told();
    expect(seqsAt(made.path)).toEqual([1, 2, 2, 2, 2, 3, 4]);
    expect((await outcomesOf(ann, made))[1]).toEqual([2, "failed", 4]);
    expect(await world.sql`select from jobs`).toHaveLength(0);
  });

  test("begins the three days of failures anew with an event that is taken", async () => {
    const { ann, made } = await backlog(2);
    await world.sql`update webhooks set failing_since = now() - interval '80 hours' where id = ${made.webhook.id}`;
    receiver.answer = ({ data }) => new Response(null, { status: data.seq === 2 ? 503 : 204 });
    await told();
    const { is_enabled: isEnabled, failing_since: since } = await get(ann, made);
    expect(isEnabled).toBe(true);
    expect(Date.now() - Date.parse(since)).toBeLessThan(3_600_000);
  });

  test("ends with 410, and what is behind it is told to nobody", async () => {
    const { ann, made } = await backlog(5);
    receiver.answer = ({ data }) => new Response(null, { status: data.seq === 3 ? 410 : 204 });
    await told();
    expect(seqsAt(made.path)).toEqual([1, 2, 3]);
    expect(await outcomesOf(ann, made)).toEqual([
      [1, "delivered", 1],
      [2, "delivered", 1],
      [3, "failed", 1],
      [4, "skipped", 0],
      [5, "skipped", 0],
    ]);
    expect(await get(ann, made)).toMatchObject({ is_enabled: false, off_reason: "gone" });
  });

  test("signs with both secrets when the secret was rotated after its first event", async () => {
    const { ann, made } = await backlog(3);
    const { asked, letGo } = hold(made.path, 1);
    await tellWebhooks(world.ctx);
    await asked;
    await ann.api("POST", `/api/webhooks/${made.webhook.id}/secret`, {});
    letGo();
    await told();
    const signatures = receiver
      .at(made.path)
      .map(({ headers }) => headers.get("webhook-signature")?.split(" ").length);
    expect(signatures).toEqual([1, 2, 2]);
    expect(receiver.at(made.path).every(({ isVerified }) => isVerified)).toBe(true);
  });

  test("does not hold up an event that somebody sends again", async () => {
    const { ann, made } = await backlog(1);
    await told();
    const [first] = await deliveriesOf(ann, made);
    const { asked, letGo } = hold(made.path, 2);
    for (const text of ["two", "three"]) await ann.say(made.webhook.chat_id ?? 0, text);
    await tellWebhooks(world.ctx);
    await asked;
    const at = `/api/webhooks/${made.webhook.id}/deliveries/${first?.id}/redeliver`;
    expect((await ann.api("POST", at)).status).toBe(200);
    await receiver.untilAt(made.path, 3);
    expect(seqsAt(made.path)).toEqual([1, 2, 1]);
    letGo();
    await told();
    expect(seqsAt(made.path)).toEqual([1, 2, 1, 3]);
  });
});

test("a delivery that was taken stays so, though a try of it once more that began before has failed", async () => {
  const { ann, made } = await backlog(1);
  await told();
  const [taken] = await deliveriesOf(ann, made);
  const failed = {
    deliveryId: taken?.id ?? 0,
    outcome: "retried",
    responseStatus: 409,
    durationMs: 1,
    error: "The receiver answered 409.",
    isGone: false,
    agoMs: 0,
  } as const;
  const noting = { webhookId: made.webhook.id, counts: true, isAgain: true, isMailed: false };
  await noteAttempts(world.sql, [failed], noting);
  const [noted] = await deliveriesOf(ann, made);
  expect(noted).toMatchObject({ id: taken?.id, status: "delivered", response_status: 409 });
});

test("a server that stops notes what was taken: the next one begins with the event that was not", async () => {
  const { ann, made } = await backlog(5);
  const { asked, letGo } = hold(made.path, 3);
  const other = world.startAnother({ durations: { ...durations, drainMs: 1 } });
  await world.jobs.stop(0);
  await tellWebhooks(other.ctx);
  await asked;
  await other.stop();
  letGo();
  await world.restart();
  await told();
  expect(seqsAt(made.path)).toEqual([1, 2, 3, 3, 4, 5]);
  expect(idsOf(receiver.at(made.path)).size).toBe(5);
  expect((await outcomesOf(ann, made)).every(([, status]) => status === "delivered")).toBe(true);
});

test("what a server has not noted when its lease ends is told once more, in order, with the same ids", async () => {
  const { ann, made } = await backlog(5);
  const { asked, letGo } = hold(made.path, 3);
  const other = world.startAnother({ durations });
  await tellWebhooks(world.ctx);
  await asked;
  await world.sql`update jobs set due_at = now()`;
  await other.jobs.poll();
  for (let count = 4; !seqsAt(made.path).includes(5); count += 1)
    await receiver.untilAt(made.path, count);
  const again = seqsAt(made.path).slice(3);
  // When the first server learns that its lease has ended, it notes the two that were taken: the other one may have told the first by then.
  expect(again).toEqual([1, 2, 3, 4, 5].filter((seq) => seq >= 3 || again.includes(seq)));
  letGo();
  await told();
  expect(idsOf(receiver.at(made.path)).size).toBe(5);
  expect((await outcomesOf(ann, made)).every(([, status]) => status === "delivered")).toBe(true);
});
