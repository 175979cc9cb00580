// SOCKETS_PER_USER over several servers of one database.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { RunningServer } from "../../src/server.ts";
import { TestSocket } from "../world/socket.ts";
import { useWorld, type Person } from "../world/world.ts";

const max = 5;
const world = useWorld({ env: { SOCKETS_PER_USER: String(max), RATE_LIMITS: "postgres" } });
let other: RunningServer;
beforeAll(() => {
  other = world.startAnother();
});
const opened: TestSocket[] = [];
afterAll(() => Promise.all(opened.map((socket) => socket.close())));

const open = ({ url }: { url: string }, { token }: Person) => {
  const socket = new TestSocket(`${url.replace("http", "ws")}/ws?token=${token}&frames=flat`);
  opened.push(socket);
  return socket;
};
/** Settles when the socket is in use, or was refused. */
const outcomeOf = async (socket: TestSocket) => {
  await socket.opened;
  const reply = await Promise.race([socket.ask({ type: "ping" }), socket.closed]);
  return "reason" in reply ? String(reply.reason).split(":")[0] : reply.type;
};
const countsOf = async ({ id }: Person) => {
  const [row] = await world.sql`
    select (select sum(value::int)::int from jsonb_each_text(counts)) as all from user_sockets where user_id = ${id}
  `;
  return Number(row?.all);
};

test("as many sockets of a person stay open as may on all servers together, however many open at once", async () => {
  const ann = await world.person();
  const sockets = Array.from({ length: 12 }, (_, n) => open(n % 2 === 0 ? world : other, ann));
  const outcomes = await Promise.all(sockets.map(outcomeOf));
  expect(outcomes.filter((outcome) => outcome === "pong")).toHaveLength(max);
  expect(outcomes.filter((outcome) => outcome === "too_many_sockets")).toHaveLength(12 - max);
  const others = await world.person();
  expect(await outcomeOf(open(other, others))).toBe("pong");
});

test("a socket that closes on one server makes room on the other", async () => {
  const ann = await world.person();
  const sockets = Array.from({ length: max }, () => open(world, ann));
  for (const socket of sockets) expect(await outcomeOf(socket)).toBe("pong");
  expect(await outcomeOf(open(other, ann))).toBe("too_many_sockets");
  await sockets[0]?.close();
  while ((await countsOf(ann)) === max) await Bun.sleep(5);
  expect(await outcomeOf(open(other, ann))).toBe("pong");
});

test("the sockets of a server that is gone do not count", async () => {
  const ann = await world.person();
  const gone = crypto.randomUUID();
  const counts = JSON.stringify({ [gone]: max });
  await world.sql`insert into user_sockets (user_id, counts) values (${ann.id}, ${counts}::text::jsonb)`;
  await world.sql`insert into presence_servers (id, expires_at) values (${gone}, now() + interval '1 hour')`;
  expect(await outcomeOf(open(world, ann))).toBe("too_many_sockets");
  await world.sql`update presence_servers set expires_at = now() where id = ${gone}`;
  expect(await outcomeOf(open(world, ann))).toBe("pong");
});
