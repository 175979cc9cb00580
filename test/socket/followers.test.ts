import { expect, test } from "bun:test";
import { Followers } from "../../src/socket/followers.ts";

test("sockets follow names, whichever of them leave and in whatever order", () => {
  const followers = new Followers<number>();
  for (const socket of [1, 2, 3]) followers.add("a", socket);
  followers.add("b", 1);
  followers.remove("a", 1);
  followers.remove("a", 1);
  followers.remove("a", 9);
  followers.remove("c", 1);
  expect(followers.of("a").toSorted()).toEqual([2, 3]);
  expect([followers.count("a"), followers.count("b"), followers.count("c")]).toEqual([2, 1, 0]);
  followers.remove("a", 3);
  followers.remove("a", 2);
  expect([followers.count("a"), followers.of("a")]).toEqual([0, []]);
  followers.add("a", 4);
  expect(followers.of("a")).toEqual([4]);
});

test("a socket that stops following while the others are gone through is no obstacle", () => {
  const followers = new Followers<number>();
  for (const socket of [1, 2, 3]) followers.add("a", socket);
  const reached: number[] = [];
  for (const socket of followers.of("a")) {
    reached.push(socket);
    followers.remove("a", socket);
  }
  expect(reached).toEqual([1, 2, 3]);
});
