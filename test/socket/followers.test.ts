import { expect, test } from "bun:test";
import { activityTopic, mergedName } from "../../src/realtime/topics.ts";
import { Followers } from "../../src/socket/followers.ts";

const lean = { isMerged: false };
const merged = { isMerged: true };
const [a, b, c] = [1, 2, 3].map((id) => activityTopic(id).name);

test("sockets follow chats, whichever of them leave and in whatever order", () => {
  const followers = new Followers<number>();
  for (const socket of [1, 2, 3]) followers.add(1, lean, socket);
  followers.add(2, lean, 1);
  followers.remove(1, lean, 1);
  followers.remove(1, lean, 1);
  followers.remove(1, lean, 9);
  followers.remove(3, lean, 1);
  expect(followers.of(a ?? "").toSorted()).toEqual([2, 3]);
  expect([a, b, c].map((name) => followers.count(name ?? ""))).toEqual([2, 1, 0]);
  followers.remove(1, lean, 3);
  followers.remove(1, lean, 2);
  expect([followers.count(a ?? ""), followers.of(a ?? "")]).toEqual([0, []]);
  followers.add(1, lean, 4);
  expect(followers.of(a ?? "")).toEqual([4]);
});

test("a socket that stops following while the others are gone through is no obstacle", () => {
  const followers = new Followers<number>();
  for (const socket of [1, 2, 3]) followers.add(1, lean, socket);
  const reached: number[] = [];
  for (const socket of followers.of(a ?? "")) {
    reached.push(socket);
    followers.remove(1, lean, socket);
  }
  expect(reached).toEqual([1, 2, 3]);
});

test("the first follower of each form is told of, and the last one", () => {
  const followers = new Followers<number>();
  const told: [chatId: number, isMerged: boolean, isFollowed: boolean][] = [];
  followers.watch({
    followed() {},
    moved: (chatId, form, isFollowed) => void told.push([chatId, form.isMerged, isFollowed]),
  });
  for (const socket of [1, 2]) followers.add(7, lean, socket);
  followers.add(7, merged, 3);
  followers.remove(7, lean, 1);
  followers.remove(7, lean, 2);
  expect(followers.has(7)).toBe(true);
  expect(followers.count(mergedName(activityTopic(7)))).toBe(1);
  followers.remove(7, merged, 3);
  expect(followers.has(7)).toBe(false);
  expect(told).toEqual([
    [7, false, true],
    [7, true, true],
    [7, false, false],
    [7, true, false],
  ]);
});
