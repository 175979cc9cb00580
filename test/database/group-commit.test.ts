import { expect, test } from "bun:test";
import { GroupCommit } from "../../src/database/group-commit.ts";
import { Problem } from "../../src/wire/problems.ts";
import { useWorld } from "../world/world.ts";

const keyOf = (item: number) => item;

/** A run that waits for the test, and the groups that it was given. */
function gated() {
  const groups: number[][] = [];
  let gate = Promise.withResolvers<void>();
  return {
    groups,
    async run(items: number[]) {
      groups.push(items);
      await gate.promise;
      if (items.includes(13)) throw new Error("13 is refused");
      return items.map((item) => item * 10);
    },
    open() {
      gate.resolve();
      gate = Promise.withResolvers();
      gate.resolve();
    },
  };
}

test("an item that finds nothing in flight goes at once and alone; what comes meanwhile goes together, in order", async () => {
  const { groups, run, open } = gated();
  const commit = new GroupCommit(run, { keyOf, sizeMax: 10, queueMax: 10 });
  const results = [1, 2, 3].map((item) => commit.add(item));
  expect(groups).toEqual([[1]]);
  open();
  expect(await Promise.all(results)).toEqual([10, 20, 30]);
  expect(groups).toEqual([[1], [2, 3]]);
});

test("a group has at most sizeMax items", async () => {
  const { groups, run, open } = gated();
  const commit = new GroupCommit(run, { keyOf, sizeMax: 2, queueMax: 10 });
  const results = [1, 2, 3, 4, 5].map((item) => commit.add(item));
  open();
  await Promise.all(results);
  expect(groups).toEqual([[1], [2, 3], [4, 5]]);
});

test("one bad item in a group fails alone", async () => {
  const { run, open } = gated();
  const commit = new GroupCommit(run, { keyOf, sizeMax: 10, queueMax: 10 });
  const results = [1, 2, 13, 3].map((item) => commit.add(item));
  open();
  const settled = await Promise.allSettled(results);
  expect(settled.map(({ status }) => status)).toEqual([
    "fulfilled",
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
});

test("what does not fit into the queue is refused with a time to come back, and the others are not disturbed", async () => {
  const { groups, run, open } = gated();
  const commit = new GroupCommit(run, { keyOf, sizeMax: 10, queueMax: 2 });
  const results = [1, 2, 3].map((item) => commit.add(item));
  const refused = await commit.add(4).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(Problem);
  expect(refused).toMatchObject({ code: "unavailable", retryAfterSeconds: 1 });
  open();
  expect(await Promise.all(results)).toEqual([10, 20, 30]);
  expect(groups).toEqual([[1], [2, 3]]);
});

test("a group whose reply was lost is not run again: it may have been stored", async () => {
  let runs = 0;
  const lost = Object.assign(new Error("gone"), { code: "CONNECTION_CLOSED" });
  const commit = new GroupCommit<number, number>(
    () => {
      runs += 1;
      return Promise.reject(lost);
    },
    { keyOf, sizeMax: 10, queueMax: 10 },
  );
  const settled = await Promise.allSettled([1, 2, 3].map((item) => commit.add(item)));
  expect(settled.map((result) => result.status === "rejected" && result.reason.code)).toEqual([
    "unavailable",
    "unavailable",
    "unavailable",
  ]);
  expect(runs).toBe(2);
});

test("a group that gave up waiting for a lock is split by key: only what is locked is refused, and nothing waits for it", async () => {
  const groups: number[][] = [];
  const locked = Object.assign(new Error("locked"), { code: "55P03" });
  const gate = Promise.withResolvers<void>();
  const commit = new GroupCommit<number, number>(
    async (items) => {
      groups.push(items);
      if (items.includes(5)) {
        // In its own queue it is stuck until the test is done with the others.
        if (!items.includes(6) && groups.length > 1) await gate.promise;
        throw locked;
      }
      return items;
    },
    { keyOf: (item) => item, sizeMax: 10, queueMax: 4 },
  );
  const refusal = (error: unknown) => error;
  const first = commit.add(4);
  const stuck = [commit.add(5).catch(refusal), commit.add(5).catch(refusal)];
  expect(await Promise.all([first, commit.add(6), commit.add(7)])).toEqual([4, 6, 7]);
  const late = commit.add(5).catch(refusal);
  expect(await Promise.all([commit.add(6), commit.add(7)])).toEqual([6, 7]);
  gate.resolve();
  expect(await Promise.all([...stuck, late])).toEqual([locked, locked, locked]);
  // The queue of its own is gone: 5 is in the shared one again.
  await commit.add(5).catch(refusal);
  expect(groups).toEqual([[4], [5, 5, 6, 7], [5, 5], [6], [7], [6], [7], [5], [5]]);
});

const world = useWorld({ lockTimeoutMs: 300 });

test("a chat that somebody keeps locked holds up its own senders only, and these are told to come back", async () => {
  const ann = await world.person("ann");
  const [locked, free] = [await ann.chat(), await ann.chat()];
  const connection = await world.sql.reserve();
  await connection`begin`;
  await connection`select id from chats where id = ${locked.id} for update`;
  const send = (chat: { id: number }) =>
    ann.api("POST", `/api/chats/${chat.id}/messages`, { content: "hello" });
  // One after the other they would wait for ten seconds.
  const toLocked = Promise.all(Array.from({ length: 30 }, () => send(locked)));
  const toFree = await Promise.all([send(free), send(free)]);
  expect(toFree.map(({ status }) => status)).toEqual([200, 200]);
  for (const answer of await toLocked) {
    expect(answer).toMatchObject({ status: 503 });
    expect(answer.headers.get("retry-after")).toBe("2");
  }
  await connection`rollback`;
  connection.release();
  expect((await ann.say(locked.id, "now")).seq).toBe(1);
}, 20_000);
