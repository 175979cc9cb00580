import { expect, test } from "bun:test";
import { createChunks } from "../../../src/answers/text/pacer.ts";

/** Chunks, and the next one as it leaves. */
function collect() {
  const left: string[] = [];
  let next = Promise.withResolvers<void>();
  const chunks = createChunks((chunk) => {
    left.push(chunk);
    next.resolve();
    next = Promise.withResolvers();
  });
  return { chunks, left, next: () => next.promise };
}

test("the first piece leaves at once, those after it together", async () => {
  const { chunks, left, next } = collect();
  chunks.add("a");
  expect(left).toEqual(["a"]);
  chunks.add("b");
  chunks.add("c");
  expect(left).toEqual(["a"]);
  await next();
  expect(left).toEqual(["a", "bc"]);
});

test("a piece right after gathered ones waits like them", async () => {
  const { chunks, left, next } = collect();
  chunks.add("a");
  chunks.add("b");
  await next();
  chunks.add("c");
  expect(left).toEqual(["a", "b"]);
  await next();
  expect(left).toEqual(["a", "b", "c"]);
});

test("the end lets out what waits, once", async () => {
  const { chunks, left, next } = collect();
  chunks.add("a");
  chunks.add("b");
  chunks.flush();
  chunks.flush();
  expect(left).toEqual(["a", "b"]);
  chunks.add("c");
  chunks.add("d");
  await next();
  expect(left).toEqual(["a", "b", "c", "d"]);
});
