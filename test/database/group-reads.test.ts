import { describe, expect, test } from "bun:test";
import { GroupReads } from "../../src/database/group-reads.ts";

/** Reads that end when the test says so, and the groups that were begun. */
function start(options: { sizeMax?: number; queueMax?: number; intervalMs?: number } = {}) {
  const groups: number[][] = [];
  const ends: ((error?: Error) => void)[] = [];
  const reads = new GroupReads<number, string>(
    (items) => {
      groups.push(items);
      const { promise, resolve, reject } = Promise.withResolvers<string[]>();
      ends.push((error) => (error ? reject(error) : resolve(items.map((item) => `read ${item}`))));
      return promise;
    },
    { sizeMax: 3, queueMax: 20, intervalMs: 5, ...options },
  );
  return { reads, groups, end: (group: number, error?: Error) => ends[group]?.(error) };
}

async function until(matches: () => boolean) {
  while (!matches()) await new Promise((resolve) => void setImmediate(resolve));
}

test("the first item is read at once, those of the next moment together, each with its own result", async () => {
  const { reads, groups, end } = start({ intervalMs: 50 });
  const results = [1, 2, 3].map((item) => reads.add(item));
  expect(groups).toEqual([[1]]);
  await until(() => groups.length === 2);
  expect(groups[1]).toEqual([2, 3]);
  end(1);
  end(0);
  expect(await Promise.all(results)).toEqual(["read 1", "read 2", "read 3"]);
});

test("a whole group does not wait, and four statements run at most", async () => {
  const { reads, groups, end } = start({ intervalMs: 1_000_000 });
  const results = Array.from({ length: 16 }, (_, item) => reads.add(item));
  expect(groups).toEqual([[0], [1, 2, 3], [4, 5, 6], [7, 8, 9]]);
  end(0);
  await until(() => groups.length === 5);
  expect(groups[4]).toEqual([10, 11, 12]);
  for (const group of [1, 2, 3, 4]) end(group);
  await until(() => groups.length === 6);
  end(5);
  expect(await Promise.all(results)).toEqual(results.map((_, item) => `read ${item}`));
});

test("an item that may wait is read with the first one that may not, or when its time is over", async () => {
  const { reads, groups, end } = start({ intervalMs: 0 });
  const patient = reads.add(1, 1_000_000);
  expect(groups).toEqual([]);
  const other = reads.add(2);
  expect(groups).toEqual([[1, 2]]);
  end(0);
  expect(await Promise.all([patient, other])).toEqual(["read 1", "read 2"]);
  const alone = reads.add(3, 5);
  await until(() => groups.length === 2);
  end(1);
  expect(await alone).toBe("read 3");
});

describe("a failure", () => {
  test("is that of all items of the statement, and of no other", async () => {
    // Two items are a whole group, which does not wait.
    const { reads, groups, end } = start({ sizeMax: 2, intervalMs: 1_000_000 });
    const results = [1, 2, 3].map((item) => reads.add(item));
    expect(groups).toEqual([[1], [2, 3]]);
    const failed = Promise.allSettled(results);
    end(1, new Error("away"));
    end(0);
    expect((await failed).map(({ status }) => status)).toEqual([
      "fulfilled",
      "rejected",
      "rejected",
    ]);
  });

  test("is a full queue, too, which says when to try again", async () => {
    const { reads, end } = start({ sizeMax: 100, queueMax: 2 });
    const results = [1, 2, 3].map((item) => reads.add(item));
    expect(reads.add(4)).rejects.toMatchObject({ code: "unavailable", retryAfterSeconds: 1 });
    end(0);
    expect(await results[0]).toBe("read 1");
  });
});
