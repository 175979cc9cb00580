// People whose sockets move from one server to another, the news of which comes in any order.
import { expect, test } from "bun:test";
import { chatId } from "./frames.ts";
import { startWorld, type TestListener } from "./listeners.ts";

/** Long enough for what a test does without waiting. */
const leftHeldMs = 20;

async function startShared() {
  const started = startWorld();
  started.rooms.share({
    leftHeldMs,
    opened: async () => {},
    closed() {},
    moved() {},
    released() {},
  });
  const [watching, moving] = [started.listener(1), started.listener(2)];
  await started.join(watching);
  await started.join(moving);
  const { userId, username } = moving;
  return {
    ...started,
    watching,
    leave: () => started.rooms.leave(chatId, moving),
    moveElsewhere: (server: string, isThere: boolean) =>
      started.rooms.find(chatId)?.online.moveElsewhere(server, { userId, username }, isThere),
    isThere: () => started.rooms.find(chatId)?.online.has(userId),
    /** The frames about the person who moves. */
    told: (listener: TestListener) =>
      listener.sent.filter(({ user_id: id }) => id === userId).map(({ type }) => type),
  };
}

test("somebody whose departure is heard before the arrival on another server has neither left nor come", async () => {
  const { watching, leave, moveElsewhere, told } = await startShared();
  leave();
  moveElsewhere("b", true);
  moveElsewhere("b", false);
  moveElsewhere("c", true);
  expect(told(watching)).toEqual(["user_joined"]);
  moveElsewhere("c", false);
  while (told(watching).length < 2) await Bun.sleep(1);
  expect(told(watching)).toEqual(["user_joined", "user_left"]);
});

test("who joins while somebody is away for a moment is told of the return", async () => {
  const { leave, moveElsewhere, told, listener, join } = await startShared();
  leave();
  const late = listener(3);
  await join(late);
  moveElsewhere("b", true);
  while (told(late).length === 0) await Bun.sleep(1);
  expect(told(late)).toEqual(["user_joined"]);
});

test("somebody who has left is told of once, also to who has joined since", async () => {
  const { watching, leave, told, listener, join } = await startShared();
  leave();
  const late = listener(3);
  await join(late);
  while (told(watching).length < 2) await Bun.sleep(1);
  expect(told(watching)).toEqual(["user_joined", "user_left"]);
});

test("somebody has joined until the last of all servers has let them go", async () => {
  const { isThere, leave, moveElsewhere } = await startShared();
  expect(isThere()).toBe(true);
  moveElsewhere("b", true);
  leave();
  expect(isThere()).toBe(true);
  moveElsewhere("b", false);
  expect(isThere()).toBe(false);
});
