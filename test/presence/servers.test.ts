// People on several servers of one database, of which some go.
import { expect, test } from "bun:test";
import type { RunningServer } from "../../src/server.ts";
import { TestSocket } from "../world/socket.ts";
import { useWorld, type Person } from "../world/world.ts";
import { statusesOf, told, watch } from "./watching.ts";

const durations = { presencePollMs: 10, presenceRenewMs: 50, presenceHoldMs: 100 };

const world = useWorld({ durations });

/** Another server of the same database. */
function startAnother(more: Partial<typeof durations> = {}): RunningServer {
  return world.startAnother({ durations: { ...durations, ...more } });
}

async function socketOn(server: RunningServer, person: Person): Promise<TestSocket> {
  const url = `${server.url.replace("http", "ws")}/ws?token=${person.token}&frames=flat`;
  const socket = new TestSocket(url);
  await socket.opened;
  await socket.settle();
  return socket;
}

/** A watched person, and somebody who watches on the world's server. */
async function pair() {
  const [ann, ben] = [await world.person("ann"), await world.person("ben")];
  const chat = await ann.chat({ with: [ben] });
  const reader = await ann.socket();
  await watch(reader, ben);
  return { ann, ben, chat, reader };
}

/** The server on which a person is connected. */
async function serverOf(person: Person): Promise<string> {
  const [row] = await world.sql`select server_id from presence where user_id = ${person.id}`;
  return String(row?.server_id);
}

/** Lets the lease of a server end, as it does when the server was killed. */
const expire = (serverId: string) =>
  world.sql`update presence_servers set expires_at = now() where id = ${serverId}`;

test("people on another server are seen, and are what the best of their clients anywhere is", async () => {
  const other = startAnother();
  const { ben, reader } = await pair();
  const there = await socketOn(other, ben);
  await told(reader, ben, "online");
  await there.ask({ type: "presence", status: "away" });
  await told(reader, ben, "away");
  const here = await ben.socket();
  await told(reader, ben, "online");
  await here.close();
  await told(reader, ben, "away");
  await there.close();
  const { last_seen_at } = await told(reader, ben, "offline");
  expect(last_seen_at).not.toBeNull();
});

test("a removal on another server ends what is told", async () => {
  const other = startAnother();
  const { ann, ben, chat, reader } = await pair();
  await socketOn(other, ben);
  await told(reader, ben, "online");
  const removed = await fetch(`${other.url}/api/chats/${chat.id}/participants/${ben.id}`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${ann.token}` },
  });
  expect(removed.status).toBe(200);
  expect((await told(reader, ben, "offline")).last_seen_at).toBeNull();
});

test("somebody who moves to another server while theirs goes down never seems to be offline", async () => {
  const other = startAnother({ presenceHoldMs: 5_000 });
  const { ben, reader } = await pair();
  const there = await socketOn(other, ben);
  await told(reader, ben, "online");
  const serverId = await serverOf(ben);
  await Promise.all([other.stop(), there.closed]);
  const here = await ben.socket();
  const [lease] = await world.sql`
    select expires_at <= now() + interval '10 seconds' as is_short from presence_servers where id = ${serverId}
  `;
  expect(lease?.is_short).toBe(true);
  const rows = () => world.sql`select 1 from presence where user_id = ${ben.id}`;
  while ((await rows()).length < 2) await here.settle();
  await expire(serverId);
  await here.ask({ type: "presence", status: "away" });
  await told(reader, ben, "away");
  expect(statusesOf(reader, ben)).toEqual(["offline", "online", "away"]);
});

test("the people of a server that no longer renews its lease are offline, last seen at its last renewal, and back with it", async () => {
  const other = startAnother({ presenceRenewMs: 3_600_000 });
  const { ben, reader } = await pair();
  await socketOn(other, ben);
  await told(reader, ben, "online");
  const serverId = await serverOf(ben);
  await expire(serverId);
  const { last_seen_at } = await told(reader, ben, "offline");
  const [server] = await world.sql`select renewed_at from presence_servers where id = ${serverId}`;
  expect(last_seen_at).toBe(server?.renewed_at);
  await other.presence.people.renew();
  await told(reader, ben, "online");
});

test("somebody who was invisible when their server was killed is not last seen there, also after they are visible again", async () => {
  const other = startAnother({ presenceRenewMs: 60_000 });
  const { ben, reader } = await pair();
  await socketOn(other, ben);
  await told(reader, ben, "online");
  await ben.api("PATCH", "/api/auth/me", { presence: "invisible" });
  const hidden = await told(reader, ben, "offline");
  const serverId = await serverOf(ben);
  await world.sql`update presence_servers set renewed_at = now(), expires_at = now() where id = ${serverId}`;
  await ben.api("PATCH", "/api/auth/me", { presence: "visible" });
  expect(await watch(reader, ben)).toEqual([hidden]);
});

test("what a server that is gone has left behind is deleted, and its people stay last seen", async () => {
  const { ben, reader } = await pair();
  const gone = crypto.randomUUID();
  await world.sql`
    insert into presence_servers (id, renewed_at, expires_at)
    values (${gone}, now() - interval '3 minutes', now() - interval '2 minutes')
  `;
  await world.sql`insert into presence (user_id, server_id, status) values (${ben.id}, ${gone}, 'online')`;
  await world.sql`
    insert into membership_changes (user_id, changed_at) values (${ben.id}, now() - interval '2 hours')
  `;
  const [before] = await watch(reader, ben);
  expect(before).toMatchObject({ status: "offline", last_seen_at: expect.any(String) });
  await world.presence.cleanUp();
  const [after] = await watch(reader, ben);
  expect(after).toEqual(before);
  const left = await world.sql`
    select 1 from presence where server_id = ${gone}
    union all select 1 from presence_servers where id = ${gone}
    union all select 1 from membership_changes where changed_at < now() - interval '1 hour'
  `;
  expect(left).toHaveLength(0);
});

test("a server whose lease was deleted while it stood still writes its people again", async () => {
  const other = startAnother();
  const { ben, reader } = await pair();
  const there = await socketOn(other, ben);
  await told(reader, ben, "online");
  const rows = () => world.sql`
    select 1 from presence v join presence_servers on id = v.server_id where v.user_id = ${ben.id}
  `;
  await world.sql`
    with gone as (delete from presence where user_id = ${ben.id} returning server_id)
    delete from presence_servers using gone where id = gone.server_id
  `;
  while ((await rows()).length === 0) await reader.settle();
  await there.ask({ type: "presence", status: "away" });
  await told(reader, ben, "away");
});
