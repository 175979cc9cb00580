// The people who have joined a room on other servers, as these tell of them.
import { afterEach, expect, mock, spyOn, test } from "bun:test";
import { Rosters } from "../../src/realtime/rosters.ts";
import { startLink } from "./fake-bus.ts";
import { chatId } from "./frames.ts";
import { startWorld } from "./listeners.ts";

const other = "another-server";
const envelope = { v: 1, from: other, n: 1, chat: chatId } as const;
const ben = 2;

afterEach(() => void mock.restore());

async function start() {
  let nowMs = 1_000;
  spyOn(performance, "now").mockImplementation(() => nowMs);
  const world = startWorld();
  const rosters = new Rosters(startLink().link, world.rooms);
  await world.join(world.listener(1));
  const isThere = () => world.rooms.find(chatId)?.online.has(ben);
  /** Lets seconds pass in which no server sends anything, as a server counts them. */
  const pass = (seconds: number) => {
    for (let second = 0; second < seconds; second += 1) {
      nowMs += 1_000;
      rosters.forgetSilent();
    }
  };
  return { rosters, isThere, pass };
}

const page = (text: string) =>
  [{ kind: "roster", ...envelope, roster: 1, isFirst: true }, text] as const;

test("the people of a server that dies before its first sign of life are forgotten", async () => {
  const { rosters, isThere, pass } = await start();
  rosters.onRoster(...page(JSON.stringify([[ben, "ben"]])));
  expect(isThere()).toBe(true);
  pass(4);
  expect(isThere()).toBe(true);
  pass(3);
  expect(isThere()).toBe(false);
});

test("the people of a server that gives signs of life stay", async () => {
  const { rosters, isThere, pass } = await start();
  rosters.onRoster(...page(JSON.stringify([[ben, "ben"]])));
  for (let second = 0; second < 10; second += 1) {
    expect(rosters.noteSign(other)).toBe(false);
    pass(1);
  }
  expect(isThere()).toBe(true);
});

test("a server that was taken for gone is asked for its people when it gives a sign of life", async () => {
  const { rosters, isThere, pass } = await start();
  rosters.onRoster(...page(JSON.stringify([[ben, "ben"]])));
  pass(7);
  expect(isThere()).toBe(false);
  expect(rosters.noteSign(other)).toBe(true);
});

test.each(["", "[[2", "null", '[[2,"ben"],[3]]', '{"2":"ben"}'])(
  "a list of people that is none changes nothing: %s",
  async (text) => {
    const { rosters, isThere } = await start();
    rosters.onRoster(...page(JSON.stringify([[ben, "ben"]])));
    rosters.onRoster(...page(text));
    expect(isThere()).toBe(true);
  },
);
