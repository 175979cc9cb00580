// Blocking: what it keeps from the two people, and that the blocked one cannot tell.
import { beforeEach, describe, expect, test } from "bun:test";
import { blockedMax } from "../../src/wire/blocks.ts";
import { rates } from "../../src/rate-limits/limits.ts";
import type { Chat } from "../../src/wire/chats.ts";
import { expectInvalid, expectProblem } from "../http/refusals.ts";
import { told, watch } from "../presence/watching.ts";
import { TestSocket } from "../world/socket.ts";
import { useWorld, type Person } from "../world/world.ts";

const durations = { peoplePollMs: 20, presencePollMs: 20, activityMs: 1 };
const world = useWorld({ env: { RATE_LIMITS: "memory" }, durations });
/** Ann blocks Ben. */
let ann: Person;
let ben: Person;
beforeEach(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
});

const block = (by: Person, { id }: { id: unknown }) => by.api("PUT", `/api/users/${id}/block`);
const unblock = (by: Person, { id }: { id: unknown }) => by.api("DELETE", `/api/users/${id}/block`);
const invite = (by: Person, chat: Chat, { username }: { username: string }) =>
  by.api("POST", `/api/chats/${chat.id}/invite`, { username });
const create = (by: Person, usernames: string[], more: object = {}) =>
  by.api("POST", "/api/chats", { participant_usernames: usernames, ...more });
const listed = async (person: Person, chat: Chat) =>
  (await person.api("GET", "/api/chats")).body.find(({ id }: Chat) => id === chat.id);

/** A refusal without what is another for each request. */
const bare = ({ body }: { body: { detail: string } }, name: string) => ({
  ...body,
  instance: "",
  detail: body.detail.replaceAll(name, "NAME"),
});

describe("between people who share no chat, a block", () => {
  test("makes the blocker a name that does not exist for the blocked person's invitations", async () => {
    const chat = await ben.chat();
    const unknown = bare(await invite(ben, chat, { username: "nobody-here" }), "nobody-here");
    await block(ann, ben);
    const refused = await invite(ben, chat, ann);
    expectProblem(refused, 404, "not_found");
    expect(bare(refused, ann.username)).toEqual(unknown);
    for (const more of [{ is_group: true }, { is_group: false }, { is_ai_chat: true }]) {
      const none = await create(ben, ["nobody-here"], more);
      const hidden = await create(ben, [ann.username], more);
      expectProblem(hidden, 404, "not_found");
      expect(bare(hidden, ann.username)).toEqual(bare(none, "nobody-here"));
    }
    // In a list, too, in the order of the request.
    const both = await create(ben, [ann.username, "nobody-here"], { is_group: true });
    expect(both.body.detail).toContain(`${ann.username}, nobody-here`);
    const full = await ben.chat({ is_group: false, with: [await world.person("cat")] });
    expectProblem(await invite(ben, full, ann), 404, "not_found");
    expect(await listed(ann, chat)).toBeUndefined();
  });

  test("asks the blocker to unblock first", async () => {
    await block(ann, ben);
    const chat = await ann.chat();
    expectProblem(await invite(ann, chat, ben), 409, "person_blocked");
    expectProblem(await create(ann, [ben.username]), 409, "person_blocked");
    expectProblem(await create(ann, [ben.username], { is_group: true }), 409, "person_blocked");
    await unblock(ann, ben);
    expect((await invite(ann, chat, ben)).status).toBe(200);
    expect((await create(ben, [ann.username])).status).toBe(200);
  });

  test("keeps the two from finding each other; only the blocker still sees the profile", async () => {
    await ann.api("PATCH", "/api/auth/me", { display_name: `Zoe ${ann.username}` });
    const finds = async (viewer: Person, person: Person, query = person.username) =>
      (await viewer.api("GET", `/api/users/search?query=${query}`)).body.some(
        ({ id }: { id: number }) => id === person.id,
      );
    expect([await finds(ann, ben), await finds(ben, ann)]).toEqual([true, true]);
    await block(ann, ben);
    expect([await finds(ann, ben), await finds(ben, ann)]).toEqual([false, false]);
    expect(await finds(ben, ann, ann.username.slice(1))).toBe(false);
    expect(await finds(ben, ann, `zoe ${ann.username}`)).toBe(false);
    const hidden = await ben.api("GET", `/api/users/${ann.id}`);
    const unknown = await ben.api("GET", "/api/users/999999");
    expect({ ...hidden.body, instance: "" }).toEqual({ ...unknown.body, instance: "" });
    expect((await ann.api("GET", `/api/users/${ben.id}`)).status).toBe(200);
  });
});

describe("in chats that both are in, a block", () => {
  test("leaves groups as they are, for both", async () => {
    const chat = await ann.chat({ with: [ben] });
    const bens = await ben.joined(chat.id);
    await block(ann, ben);
    expect((await ben.say(chat.id, "Hello")).content).toBe("Hello");
    expect((await listed(ann, chat)).unread_count).toBe(1);
    const { status, body } = await invite(ben, chat, ann);
    expect([status, body.participant.id]).toEqual([200, ann.id]);
    expect((await invite(ann, chat, ben)).status).toBe(200);
    expect((await ben.api("GET", `/api/users/${ann.id}`)).status).toBe(200);
    await ann.say(chat.id, "Hello, too");
    await bens.next("message", { content: "Hello, too" });
  });

  test("keeps mentions by the blocked person from the blocker, and from nobody else", async () => {
    const cat = await world.person("cat");
    const chat = await ann.chat({ with: [ben, cat] });
    const [anns, cats] = [await ann.socket(), await cat.socket()];
    await block(ann, ben);
    const text = `@${ann.username} @${cat.username}`;
    const message = await ben.say(chat.id, text);
    await ben.say(chat.id, "@all");
    const path = `/api/chats/${chat.id}/messages/${(await ben.say(chat.id, "later")).id}`;
    const { body: edited } = await ben.api("PATCH", path, { content: text });
    // The message itself says nothing of a block.
    expect([message.mentions, edited.mentions]).toEqual([
      [ann.id, cat.id],
      [ann.id, cat.id],
    ]);
    for (let n = 0; n < 3; n += 1) await cats.next("mention");
    expect((await listed(ann, chat)).mention_count).toBe(0);
    expect((await listed(cat, chat)).mention_count).toBe(3);
    await cat.say(chat.id, `@${ann.username}`);
    await anns.next("mention", { username: cat.username });
    expect(anns.ofType("mention")).toHaveLength(1);
    expect((await listed(ann, chat)).mention_count).toBe(1);
  });

  test("quiets their private chat for the blocker, and ends with the block", async () => {
    const chat = await ann.chat({ is_group: false, with: [ben] });
    const anns = await ann.socket();
    const bens = await ben.socket();
    await block(ann, ben);
    const before = await listed(ben, chat);
    expect((await ben.say(chat.id, "One")).seq).toBe(before.last_seq + 1);
    await bens.next("chat_activity");
    const later = await ann.socket();
    await ben.say(chat.id, `Two @${ann.username}`);
    await bens.next("chat_activity", { last_message: `Two @${ann.username}` });
    for (const socket of [anns, later]) {
      await socket.settle();
      expect([...socket.ofType("chat_activity"), ...socket.ofType("mention")]).toEqual([]);
    }
    expect(await listed(ann, chat)).toMatchObject({ unread_count: 0, mention_count: 0 });
    // Both still get the chat that they have.
    expect((await create(ben, [ann.username])).body.id).toBe(chat.id);
    expect((await create(ann, [ben.username])).body.id).toBe(chat.id);
    await unblock(ann, ben);
    expect((await listed(ann, chat)).unread_count).toBe(2);
    await ben.say(chat.id, "Three");
    for (const socket of [anns, later]) {
      await socket.next("chat_activity", { last_message: "Three" });
    }
  });

  test("shows each of the two to the other as offline without a last time, until it ends", async () => {
    await ann.chat({ with: [ben] });
    const [anns, bens] = [await ann.socket(), await ben.socket()];
    await watch(anns, ben);
    await watch(bens, ann);
    await told(bens, ann, "online");
    await told(anns, ben, "online");
    await block(ann, ben);
    for (const [socket, person] of [
      [bens, ann],
      [anns, ben],
    ] as const) {
      expect((await told(socket, person, "offline")).last_seen_at).toBeNull();
    }
    expect(await watch(bens, ann)).toEqual([
      { user_id: ann.id, status: "offline", last_seen_at: null },
    ]);
    await unblock(ann, ben);
    await told(bens, ann, "online");
    await told(anns, ben, "online");
  });
});

test("the blocked person is sent nothing, and the blocker's clients on every server are told", async () => {
  const other = world.startAnother({ durations });
  const chat = await ann.chat({ is_group: false, with: [ben] });
  const url = `${other.url.replace("http", "ws")}/ws?token=${ann.token}&frames=flat`;
  const there = new TestSocket(url);
  await there.opened;
  await there.settle();
  const [here, bens] = [await ann.socket(), await ben.socket()];
  await block(ann, ben);
  for (const socket of [here, there]) {
    expect((await socket.next("blocked_people")).user_ids).toEqual([ben.id]);
  }
  await unblock(ann, ben);
  for (const socket of [here, there]) {
    expect((await socket.next("blocked_people")).user_ids).toEqual([]);
  }
  await ann.say(chat.id, "The end");
  await bens.next("chat_activity");
  expect(bens.frames.map(({ type }) => type).filter((type) => type !== "pong")).toEqual([
    "chat_activity",
  ]);
});

test("a common chat tells both people and a third one the same of who is there, types and has read", async () => {
  const cat = await world.person("cat");
  const chat = await cat.chat({ with: [ann, ben] });
  const message = await cat.say(chat.id, "hello");
  await block(ann, ben);
  const told = async (who: Person, witnesses: Person[]) => {
    const sockets = await Promise.all(witnesses.map((each) => each.joined(chat.id)));
    const own = await who.joined(chat.id);
    own.send({ type: "typing", chat_id: chat.id });
    await who.api("POST", `/api/chats/${chat.id}/mark-read`, { seq: message.seq });
    for (const socket of sockets) {
      // The people who watch have come one after another.
      await socket.next("user_joined", { user_id: who.id });
      await socket.next("typing", { user_id: who.id });
      const { reads } = await socket.next("read");
      expect(reads).toMatchObject([{ user_id: who.id, last_read_seq: message.seq }]);
    }
    await own.close();
    for (const socket of sockets) {
      await socket.next("user_left", { user_id: who.id });
      await socket.close();
    }
  };
  await told(ann, [ben, cat]);
  await told(ben, [ann, cat]);
});

test("a repeated block and an unneeded end of one are successes that change and record nothing", async () => {
  expect((await unblock(ann, ben)).status).toBe(200);
  for (let n = 0; n < 3; n += 1) expect((await block(ann, ben)).status).toBe(200);
  await Promise.all([block(ann, ben), block(ann, ben), block(ann, ben)]);
  for (let n = 0; n < 2; n += 1) expect((await unblock(ann, ben)).status).toBe(200);
  const events = await world.sql`
    select action, target from audit_events
    where actor_id = ${ann.id} and action in ('block', 'unblock') order by id
  `;
  const target = `user:${ben.id}`;
  expect([...events]).toEqual([
    { action: "block", target },
    { action: "unblock", target },
  ]);
});

test("nobody blocks themselves or somebody who does not exist, or looks at another's list", async () => {
  expectInvalid(await block(ann, ann), "/user_id");
  expectProblem(await block(ann, { id: 1_000_000 }), 404, "not_found");
  for (const id of ["0", "x", "-1"]) expectInvalid(await block(ann, { id }), "/user_id");
  expectProblem(await world.call("PUT", `/api/users/${ben.id}/block`), 401, "invalid_token");
  await block(ann, ben);
  expect((await ben.api("GET", "/api/users/blocked")).body).toEqual({
    items: [],
    next_cursor: null,
  });
});

test("the list has the latest first, in pages, and a person blocks a limited number", async () => {
  await world.sql`
    with added as (
      insert into users (username, email, hashed_password)
      select 'crowd' || ${ann.id} || '.' || n, n || 'crowd@example.com' || ${ann.id}, 'x'
      from generate_series(1, ${blockedMax - 2}) n returning id
    )
    insert into user_blocks (blocker_id, blocked_id) select ${ann.id}, id from added order by id
  `;
  const [cat, dan] = [await world.person("cat"), await world.person("dan")];
  await block(ann, ben);
  const [one, two] = await world.whileLocked({ user: ann.id }, 2, () =>
    Promise.all([block(ann, cat), block(ann, dan)]),
  );
  expect([one.status, two.status].toSorted()).toEqual([200, 409]);
  expectProblem(await block(ann, await world.person("eve")), 409, "too_many_blocks");
  expect((await block(ann, ben)).status).toBe(200);

  const { body: first } = await ann.api("GET", "/api/users/blocked?limit=2");
  expect(first.items[1].user.id).toBe(ben.id);
  const ids = first.items.map((item: { user: { id: number } }) => item.user.id);
  for (let cursor = first.next_cursor; cursor !== null;) {
    const { body } = await ann.api("GET", `/api/users/blocked?limit=200&cursor=${cursor}`);
    ids.push(...body.items.map((item: { user: { id: number } }) => item.user.id));
    cursor = body.next_cursor;
  }
  expect(new Set(ids).size).toBe(blockedMax);
  expect(JSON.stringify(first)).not.toContain("@example.com");
  for (const query of ["limit=0", "limit=201", "limit=x"]) {
    expectInvalid(await ann.api("GET", `/api/users/blocked?${query}`), "/limit");
  }
  expectInvalid(await ann.api("GET", "/api/users/blocked?cursor=x"), "/cursor");
});

test("blocks have a quota of their own", async () => {
  await world.ctx.rateLimits.take("blocks", { userId: ann.id }, rates.blocks.person.quota - 1);
  expect((await block(ann, ben)).status).toBe(200);
  expectProblem(await unblock(ann, ben), 429, "rate_limited");
});
