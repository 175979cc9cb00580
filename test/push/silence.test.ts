import { beforeAll, describe, expect, test } from "bun:test";
import type { Person } from "../world/world.ts";
import { quickly, usePush } from "./use-push.ts";

const { world, rings, scene, given } = usePush();
let ann: Person;
let ben: Person;
beforeAll(() => {
  ({ ann, ben } = given());
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
