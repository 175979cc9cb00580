import { expect, test } from "bun:test";
import { createTurns } from "../../src/accounts/semaphore.ts";

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
  const inTurn = createTurns({ runningMax: 2, waitingMax: 3, refusal });
  const { begun, work, names } = gates();
  const results = ["a", "b", "c", "d", "e"].map((name) => inTurn(work(name)));
  await expect(inTurn(work("f"))).rejects.toThrow("too many");
  expect(names()).toEqual(["a", "b"]);

  begun[1]?.end();
  expect(await results[1]).toBe("b");
  expect(names()).toEqual(["a", "b", "c"]);
  // A place to wait is free again, and nobody is before those who wait.
  results.push(inTurn(work("g")));
  await expect(inTurn(work("h"))).rejects.toThrow("too many");

  for (const [n, name] of ["a", "", "c", "d", "e", "g"].entries()) {
    begun[n]?.end();
    if (name) expect(await results[names().indexOf(name)]).toBe(name);
  }
  expect(names()).toEqual(["a", "b", "c", "d", "e", "g"]);
});

test("work that fails gives its place away, too", async () => {
  const inTurn = createTurns({ runningMax: 1, waitingMax: 1, refusal });
  const { begun, work } = gates();
  const [first, second] = [inTurn(work("a")), inTurn(work("b"))];
  begun[0]?.fail();
  await expect(first).rejects.toThrow("a");
  begun[1]?.end();
  expect(await second).toBe("b");
  const third = inTurn(work("c"));
  begun[2]?.end();
  expect(await third).toBe("c");
});
