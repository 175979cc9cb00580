// A question that waits to be stored for longer than what was reserved for it is kept.
import { expect, setDefaultTimeout, test } from "bun:test";
import { recoverAnswers } from "../../src/answers/recovery.ts";
import { useWorld } from "../world/world.ts";
import { unsettled } from "./left-behind.ts";
import { room } from "./room.ts";

// On a busy machine.
setDefaultTimeout(20_000);

const world = useWorld();

test("it is not stored without a run, which would leave its answer streaming for ever", async () => {
  const { chat, anna, messages } = await room(world);
  const path = `/api/chats/${chat.id}/messages`;
  await anna.say(chat.id, "before");
  const asked = await world.whileLocked(
    chat.id,
    1,
    () => anna.api("POST", path, { content: "/bot in time?" }),
    async () => {
      await world.sql`update answer_runs set lease_expires_at = now() - interval '1 second'`;
      await recoverAnswers(world.ctx);
    },
  );
  expect(asked.status).not.toBe(200);
  expect(await messages()).toHaveLength(1);
  expect(await unsettled(world.sql)).toEqual([[], [], []]);
});
