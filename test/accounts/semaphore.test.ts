import { expect, test } from "bun:test";
import { Semaphore } from "../../src/semaphore.ts";

/** Work that lasts until it is let go. */
function gates() {
  const begun: { name: string; end: () => void; fail: () => void }[] = [];
  const work = (name: string) => () => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    begun.push({ name, end: () => resolve(name), fail: () => reject(new Error(name)) });
    return promise;
  };
  return { begun, work, names: () => begun.map(({ name }) => name) };
}

const refusal = () => new Error("too many");

test("so many run at once, so many wait, and one more is refused without being begun", async () => {
  const semaphore = new Semaphore({ runningMax: 2, waitingMax: 3 }, refusal);
  const { begun, work, names } = gates();
  const results = ["a", "b", "c", "d", "e"].map((name) => semaphore.run(work(name)));
  await expect(semaphore.run(work("f"))).rejects.toThrow("too many");
  expect(names()).toEqual(["a", "b"]);

  begun[1]?.end();
  expect(await results[1]).toBe("b");
  expect(names()).toEqual(["a", "b", "c"]);
  // One more may wait again, and it does not overtake those who wait.
  results.push(semaphore.run(work("g")));
  await expect(semaphore.run(work("h"))).rejects.toThrow("too many");

  for (const [n, name] of ["a", "", "c", "d", "e", "g"].entries()) {
    begun[n]?.end();
    if (name) expect(await results[names().indexOf(name)]).toBe(name);
  }
  expect(names()).toEqual(["a", "b", "c", "d", "e", "g"]);
});

test("work that fails frees its slot, too", async () => {
  const semaphore = new Semaphore({ runningMax: 1, waitingMax: 1 }, refusal);
  const { begun, work } = gates();
  const [first, second] = [semaphore.run(work("a")), semaphore.run(work("b"))];
  begun[0]?.fail();
  await expect(first).rejects.toThrow("a");
  begun[1]?.end();
  expect(await second).toBe("b");
  const third = semaphore.run(work("c"));
  begun[2]?.end();
  expect(await third).toBe("c");
});
