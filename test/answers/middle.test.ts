import { describe, expect, test } from "bun:test";
import { answer, finish, say } from "../world/gemini/script.ts";
import { useWorld } from "../world/world.ts";
import { gateway } from "./asking.ts";
import { answerEnds, room, shownAnswer } from "./room.ts";

const world = useWorld();

describe("in the middle of an answer", () => {
  test("someone who joins is shown all text so far, then the rest", async () => {
    const { chat, anna, annas, ben } = await room(world);
    const [gate, nextGate] = [gateway(), gateway()];
    world.gemini.respondWith(
      answer(say("Once "), say("upon "), gate.step, say("a time"), nextGate.step, finish()),
    );
    await anna.say(chat.id, "/bot a story");
    await gate.reached;
    await annas.next("bot_stream", { offset: 5 });

    const late = await ben.joined(chat.id);
    expect(await late.next("bot_stream")).toEqual({
      type: "bot_stream",
      chat_id: chat.id,
      message_id: annas.ofType("bot_stream")[0]?.message_id,
      chunk: "Once upon ",
      is_complete: false,
      offset: 0,
    });
    gate.open();
    expect(await late.next("bot_stream")).toMatchObject({ offset: 10, chunk: "a time" });
    nextGate.open();
    expect(await late.next("bot_stream")).toMatchObject({
      is_complete: true,
      full_response: "Once upon a time",
    });
    await late.settle();
    expect(late.ofType("bot_stream")).toHaveLength(3);
    expect((await answerEnds(annas)).text).toBe("Once upon a time");
  });

  test("someone who is removed is shown nothing more, and the others all of it", async () => {
    const { chat, anna, annas, ben, bens } = await room(world);
    const gate = gateway();
    world.gemini.respondWith(answer(say("First"), gate.step, say(" and after"), finish()));
    await ben.say(chat.id, "/bot go on");
    await bens.next("bot_stream", { chunk: "First" });

    const removed = await anna.api("DELETE", `/api/chats/${chat.id}/participants/${ben.id}`);
    expect(removed.status).toBe(200);
    gate.open();
    const shown = await answerEnds(annas);
    expect(shown).toMatchObject({ text: "First and after", last: { status: "complete" } });
    await bens.settle();
    expect(bens.ofType("bot_stream").at(-1)).toMatchObject({ chunk: "First" });
    expect(bens.frames.filter((frame) => frame.is_complete)).toEqual([]);
  });

  test("a participant who has not joined is shown no piece of it", async () => {
    const { chat, anna, annas, bens, ben } = await room(world);
    const outside = await ben.socket();
    bens.send({ type: "leave", chat_id: chat.id });
    await bens.settle();
    world.gemini.respondWith(answer(say("Members"), say(" only"), finish()));
    await anna.say(chat.id, "/bot hm?");
    const shown = await answerEnds(annas);
    for (const socket of [outside, bens]) {
      await socket.settle();
      expect(socket.ofType("bot_stream")).toEqual([]);
    }
    expect(shownAnswer(annas, shown.messageId).text).toBe("Members only");
  });
});
