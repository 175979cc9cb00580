// Muting and pinning a chat, for oneself.
import { beforeEach, describe, expect, test } from "bun:test";
import { rates } from "../../src/rate-limits/limits.ts";
import { expectInvalid, expectProblem } from "../http/refusals.ts";
import { startWorld, useWorld, type Person } from "../world/world.ts";

const world = useWorld();
let ann: Person;
let ben: Person;
let chatId: number;
beforeEach(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
  chatId = (await ann.chat({ with: [ben] })).id;
});

const forEver = "9999-12-31T23:59:59.999Z";
const change = (person: Person, body: unknown) =>
  person.api("PUT", `/api/chats/${chatId}/preferences`, body);

async function summary(person: Person) {
  const { body } = await person.api("GET", "/api/chats");
  return body.find(({ id }: { id: number }) => id === chatId);
}

describe("the preferences of a chat", () => {
  test("are one's own, and the answer is the chat as it is in one's list", async () => {
    await ann.say(chatId, "one");
    const before = await summary(ben);
    expect(before).toMatchObject({ muted_until: null, pinned: false, unread_count: 1 });
    const { status, body } = await change(ben, { muted_until: forEver, pinned: true });
    expect(status).toBe(200);
    expect(body).toEqual({ ...before, muted_until: forEver, pinned: true });
    expect(await summary(ben)).toEqual(body);
    expect(await summary(ann)).toMatchObject({ muted_until: null, pinned: false });
  });

  test("stay as they are where a member is absent, and null ends the muting", async () => {
    await change(ben, { muted_until: forEver, pinned: true });
    for (const [body, muted_until, pinned] of [
      [{}, forEver, true],
      [{ unknown: 1 }, forEver, true],
      [{ pinned: false }, forEver, false],
      [{ pinned: true }, forEver, true],
      [{ muted_until: null }, null, true],
      [{ muted_until: null }, null, true],
    ]) {
      const answer = await change(ben, body);
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({ muted_until, pinned });
      expect(await summary(ben)).toEqual(answer.body);
    }
  });

  test("take a time with any offset, up to the last one, and a time that has passed is none", async () => {
    for (const [given, shown] of [
      ["2999-01-02T03:04:05Z", "2999-01-02T03:04:05.000Z"],
      ["2999-01-02T03:04:05.6789Z", "2999-01-02T03:04:05.678Z"],
      ["2999-01-02T03:04:05.678+05:30", "2999-01-01T21:34:05.678Z"],
      [forEver, forEver],
      ["2020-01-01T00:00:00.000Z", null],
      ["1970-01-01T00:00:00.000Z", null],
      ["0001-01-01T00:00:00.000Z", null],
    ]) {
      const { status, body } = await change(ben, { muted_until: given });
      expect({ given, status, shown: body.muted_until }).toEqual({ given, status: 200, shown });
    }
  });

  test("end with the time, and without a frame", async () => {
    const socket = await ben.socket();
    await change(ben, { muted_until: forEver });
    await socket.next("preferences");
    await world.sql`
      update chat_participants set muted_until = now() - interval '1 second'
      where chat_id = ${chatId} and user_id = ${ben.id}
    `;
    expect(await summary(ben)).toMatchObject({ muted_until: null });
    // The end of the muting is no change, so that no frame tells of it.
    await change(ben, { muted_until: null });
    await change(ben, { pinned: true });
    expect(await socket.next("preferences")).toMatchObject({ muted_until: null, pinned: true });
  });

  test("leave the order of the list and what is sent as they are", async () => {
    const newer = await ann.chat({ with: [ben] });
    await ann.say(newer.id, "newer");
    const socket = await ben.socket();
    await change(ben, { muted_until: forEver, pinned: true });
    const { body } = await ben.api("GET", "/api/chats");
    expect(body.map(({ id }: { id: number }) => id)).toEqual([newer.id, chatId]);
    const { seq } = await ann.say(chatId, "still told");
    await socket.next("chat_activity", { chat_id: chatId, seq });
    expect(await summary(ben)).toMatchObject({ unread_count: 1, pinned: true });
  });

  test("are forgotten when one leaves the chat", async () => {
    await change(ben, { muted_until: forEver, pinned: true });
    await ben.api("POST", `/api/chats/${chatId}/leave`);
    await ann.api("POST", `/api/chats/${chatId}/invite`, { username: ben.username });
    expect(await summary(ben)).toMatchObject({ muted_until: null, pinned: false });
  });

  test("of two changes at once keep both members", async () => {
    await Promise.all([change(ben, { pinned: true }), change(ben, { muted_until: forEver })]);
    expect(await summary(ben)).toMatchObject({ muted_until: forEver, pinned: true });
  });

  test("are refused where a value is none", async () => {
    const before = await summary(ben);
    for (const value of [
      1,
      "",
      "tomorrow",
      "2999-01-02",
      "2999-01-02T03:04:05",
      "2999-02-30T00:00:00Z",
      "9999-12-31T23:59:59-01:00",
      "0000-01-01T00:00:00Z",
      "0001-01-01T00:00:00+01:00",
      "+012026-01-01T00:00:00Z",
      "2999-01-02T03:04:05Z\u0000",
      true,
      [],
    ]) {
      expectInvalid(await change(ben, { muted_until: value }), "/muted_until");
    }
    for (const value of [null, 0, 1, "true", []]) {
      expectInvalid(await change(ben, { pinned: value }), "/pinned");
    }
    for (const body of [[], "x", 3]) expectInvalid(await change(ben, body), "");
    expectProblem(await change(ben, undefined), 400, "not_json");
    expect(await summary(ben)).toEqual(before);
  });

  test("have a quota, the same as the settings of the account", async () => {
    const limited = await startWorld({ env: { RATE_LIMITS: "memory" } });
    try {
      const eager = await limited.person("eager");
      const { id } = await eager.chat();
      const { person } = rates.settings;
      await limited.ctx.rateLimits.take("settings", { userId: eager.id }, person.quota - 1);
      const path = `/api/chats/${id}/preferences`;
      expect((await eager.api("PUT", path, { pinned: true })).status).toBe(200);
      expectProblem(await eager.api("PUT", path, { pinned: false }), 429, "rate_limited");
      expect((await eager.api("GET", "/api/chats")).body[0].pinned).toBe(true);
    } finally {
      await limited.stop();
    }
  });
});

describe("a preferences frame", () => {
  test("tells a change to all sockets of the person, joined or not, and to nobody else", async () => {
    const bens = [
      await ben.socket(),
      await ben.joined(chatId),
      await ben.socket({ isMerged: true }),
    ];
    const others = [await ann.joined(chatId), await ann.socket()];
    await change(ben, { pinned: true });
    // None of these changes anything.
    for (const body of [{ pinned: true }, {}, { muted_until: null }]) await change(ben, body);
    await change(ben, { muted_until: forEver });
    const frame = (muted_until: string | null) => ({
      type: "preferences",
      chat_id: chatId,
      muted_until,
      pinned: true,
    });
    for (const socket of [...bens, ...others]) await socket.settle();
    for (const socket of bens) {
      expect(socket.ofType("preferences")).toEqual([frame(null), frame(forEver)]);
    }
    for (const socket of others) expect(socket.ofType("preferences")).toEqual([]);
    // The frame ends no subscription.
    const { seq } = await ann.say(chatId, "after it");
    await bens[0]?.next("chat_activity", { seq });
    await bens[1]?.next("message", { seq });
  });
});
