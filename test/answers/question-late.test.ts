// A question that waits to be stored for longer than its reservation lasts.
import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { recoverAnswers } from "../../src/answers/recovery.ts";
import type { RunningServer } from "../../src/server.ts";
import { useWorld } from "../world/world.ts";
import { unsettled } from "./left-behind.ts";
import { answerEnds, room } from "./room.ts";

// On a busy machine.
setDefaultTimeout(20_000);

/** The worker of the search's index would wait for the locked chat, too. */
const durations = { indexMs: 3_600_000 };
const world = useWorld({ durations });
let other: RunningServer;
beforeAll(() => {
  other = world.startAnother({ durations });
});

/** Locks the chat for longer than the reservation of a question lasts, so that another server takes its run over. */
function whileTooLate<T>(chatId: number, begin: () => Promise<T>) {
  return world.whileLocked(chatId, 1, begin, async () => {
    await world.sql`update answer_runs set lease_expires_at = now() - interval '1 second'`;
    await recoverAnswers(other.ctx);
  });
}

const refused = {
  status: 503,
  body: { type: "/problems/unavailable", detail: expect.stringContaining("in time") },
};

test("it is refused as unavailable over both ways, and nothing of it is stored", async () => {
  const { chat, anna, annas, messages } = await room(world);
  const path = `/api/chats/${chat.id}/messages`;
  await anna.say(chat.id, "before");
  const content = "/bot in time?";
  const asked = await whileTooLate(chat.id, () => anna.api("POST", path, { content }));
  expect(asked).toMatchObject(refused);
  expect(asked.headers.get("retry-after")).toBe("5");
  const frame = await whileTooLate(chat.id, () =>
    annas.ask({ type: "message", chat_id: chat.id, content }),
  );
  expect(frame).toMatchObject({ type: "error", code: "unavailable", retry_after: 5 });
  expect(await messages()).toHaveLength(1);
  expect(await unsettled(world.sql)).toEqual([[], [], []]);
});

test("it is stored by its next try with the same client id, and then known without waiting for the chat", async () => {
  const { chat, anna, annas, messages } = await room(world);
  const path = `/api/chats/${chat.id}/messages`;
  const question = { content: "/bot in time?", client_id: "a" };
  expect(await whileTooLate(chat.id, () => anna.api("POST", path, question))).toMatchObject(
    refused,
  );
  const stored = await anna.api("POST", path, question);
  expect(stored).toMatchObject({ status: 200, body: { seq: 1 } });
  await answerEnds(annas);
  await world.whileLocked(
    chat.id,
    0,
    async () => undefined,
    async () => {
      const again = await anna.api("POST", path, question);
      expect(again).toMatchObject({ status: 200, body: { id: stored.body.id } });
    },
  );
  expect(await messages()).toHaveLength(2);
});

test("one more answer is refused, too, and not left streaming for ever", async () => {
  const { chat, anna, annas, messages } = await room(world);
  const question = await anna.say(chat.id, "/bot well?");
  await answerEnds(annas);
  const path = `/api/chats/${chat.id}/messages/${question.id}/regenerate`;
  expect(await whileTooLate(chat.id, () => anna.api("POST", path))).toMatchObject(refused);
  expect(await messages()).toHaveLength(2);
  expect(await unsettled(world.sql)).toEqual([[], [], []]);
  expect((await anna.api("POST", path)).status).toBe(200);
  await answerEnds(annas);
});

test("a stranger's is not found all the same", async () => {
  const { chat } = await room(world);
  const stranger = await world.person("stranger");
  const asked = await stranger.api("POST", `/api/chats/${chat.id}/messages`, { content: "/bot x" });
  expect(asked.status).toBe(404);
});
