import { expect, test } from "bun:test";
import { Pacer } from "../../../src/answers/text/pacer.ts";

/** A pacer, the chunks that have left it, and the next one that its timer lets out. */
function collect() {
  const left: string[] = [];
  let next = Promise.withResolvers<void>();
  const leave = (text: string) => {
    if (text !== "") left.push(text);
  };
  const pacer = new Pacer((text) => {
    leave(text);
    next.resolve();
    next = Promise.withResolvers();
  });
  const add = (piece: string) => leave(pacer.push(piece));
  const end = () => leave(pacer.end());
  return { add, end, left, next: () => next.promise };
}

test("the first piece leaves at once, those after it together", async () => {
  const { add, left, next } = collect();
  add("a");
  expect(left).toEqual(["a"]);
  add("b");
  add("c");
  expect(left).toEqual(["a"]);
  await next();
  expect(left).toEqual(["a", "bc"]);
});

test("a piece right after gathered ones waits like them", async () => {
  const { add, left, next } = collect();
  add("a");
  add("b");
  await next();
  add("c");
  expect(left).toEqual(["a", "b"]);
  await next();
  expect(left).toEqual(["a", "b", "c"]);
});

test("the end lets out the text that waits, once", async () => {
  const { add, end, left, next } = collect();
  add("a");
  add("b");
  end();
  end();
  expect(left).toEqual(["a", "b"]);
  add("c");
  add("d");
  await next();
  expect(left).toEqual(["a", "b", "c", "d"]);
});
