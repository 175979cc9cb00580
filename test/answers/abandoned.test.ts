// An answer whose server is gone ends as interrupted, its text kept.
import { expect, setDefaultTimeout } from "bun:test";
import { recoverAnswers } from "../../src/answers/recovery.ts";
import { compose } from "../../src/compose.ts";
import { answer, finish, refuse, say } from "../world/gemini/script.ts";
import { longTest, test } from "../world/long.ts";
import { useWorld, type World } from "../world/world.ts";
import { gateway, whenAborted } from "./asking.ts";
import { leftBehind, soFar } from "./left-behind.ts";
import { lastRequest, room } from "./room.ts";
import { ends } from "./streamed.ts";

// Some wait for what happens once a second, and for a busy machine.
setDefaultTimeout(20_000);

const world = useWorld();
/** Its server does not look for such answers by itself: a test decides who finds one. */
const still = useWorld({ durations: { recoveryMs: 3_600_000 } });

async function abandoned(from: World, reservedTokens?: number) {
  const { anna, bens, chat, messages } = await room(from);
  const question = await anna.say(chat.id, "for the dead one");
  const messageId = await leftBehind(from.sql, question, { leaseSeconds: 60, reservedTokens });
  const expire = () =>
    from.sql`update answer_runs set lease_expires_at = now() where message_id = ${messageId}`;
  return { chat, messages, bens, messageId, expire };
}

longTest(
  "an answer whose server is gone ends as interrupted where the model says nothing in time, and its request ends",
  async () => {
    const { messageId, expire, messages } = await abandoned(still);
    const gate = gateway();
    still.gemini.respondWith(answer(gate.step));
    const { config, sql, log, model } = still.ctx;
    const { ctx: alone } = compose({ config, sql, log, model });
    await expire();
    await recoverAnswers(alone, 1_500);
    const reply = alone.answers.find(messageId);
    await gate.reached;
    const request = lastRequest(still);
    await reply?.done;
    await whenAborted(request.aborted);
    expect((await messages())[1]).toMatchObject({ content: soFar, status: "interrupted" });
  },
);

longTest(
  "an answer whose server is gone ends as interrupted, but one that has said something in time may take longer",
  async () => {
    const { messageId, expire, messages } = await abandoned(still);
    const gate = gateway();
    still.gemini.respondWith(answer(say(", and"), gate.step, say(" on"), finish()));
    const { config, sql, log, model } = still.ctx;
    const { ctx: alone } = compose({ config, sql, log, model });
    await expire();
    // Long enough for the first words on a busy machine; the test waits until it has passed.
    const withinMs = 2_500;
    await recoverAnswers(alone, withinMs);
    const reply = alone.answers.find(messageId);
    const passed = Bun.sleep(withinMs);
    await gate.reached;
    await passed;
    gate.open();
    await reply?.done;
    expect((await messages())[1]).toMatchObject({
      content: `${soFar}, and on`,
      status: "complete",
    });
  },
);

longTest(
  "an answer whose server is gone ends as interrupted where the server that finds it has no model, or too little was reserved for it",
  async () => {
    const requests = still.gemini.requests.length;
    const { config, sql, log } = still.ctx;
    const { ctx: bare } = compose({
      config,
      sql,
      log,
      model: { answer: undefined, description: "none" },
    });
    const first = await abandoned(still);
    await first.expire();
    await recoverAnswers(bare);
    const second = await abandoned(still, 100);
    await second.expire();
    await recoverAnswers(still.ctx);
    for (const { bens, messageId } of [first, second]) {
      expect(await ends(bens, messageId)).toEqual({ text: soFar, status: "interrupted" });
    }
    expect(still.gemini.requests.length).toBe(requests);
  },
);

test("an answer that can't be looked at does not keep the others waiting", async () => {
  const first = await abandoned(world);
  const second = await abandoned(world);
  world.gemini.respondWith(refuse(400));
  const { settings } = first.chat;
  await world.sql`update chats set settings = '{}' where id = ${first.chat.id}`;
  await first.expire();
  await second.expire();
  expect((await ends(second.bens, second.messageId)).status).toBe("interrupted");
  await world.sql`update chats set settings = ${world.sql.json(settings)} where id = ${first.chat.id}`;
  world.gemini.respondWith(refuse(400));
  await first.expire();
  expect((await ends(first.bens, first.messageId)).status).toBe("interrupted");
});
