// A summary of what was edited or removed goes, and is made again from what is true.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { answer, finish, say } from "../../world/gemini/script.ts";
import { useWorld } from "../../world/world.ts";
import { gateway } from "../asking.ts";
import { ask, facts, smallContext, stored, summary, tell, textOf, yes } from "./summarising.ts";
import { untilSummarised } from "../budget/settlement.ts";
import { room } from "../room.ts";

setDefaultTimeout(20_000);

const world = useWorld({ env: smallContext });

/** As an edit will be stored: with the chat's next number. */
async function edit(chatId: number, seq: number, content: string, sql = world.sql) {
  await sql`
    with chat as (update chats set last_seq = last_seq + 1 where id = ${chatId} returning last_seq)
    update messages set content = ${content}, updated_seq = chat.last_seq
    from chat
    where chat_id = ${chatId} and seq = ${seq}
  `;
}

describe("a summary of what was changed", () => {
  async function summedUp() {
    const here = await room(world);
    const { chat, anna } = here;
    await tell(anna, chat.id, ...facts(1, 7));
    await ask(world, anna, chat.id, yes, summary("First facts."));
    const [first] = await stored(world, chat.id);
    await tell(anna, chat.id, ...facts(8, 12));
    await ask(world, anna, chat.id, yes, summary("More facts."));
    expect(await stored(world, chat.id)).toHaveLength(2);
    return { ...here, first };
  }

  test("goes, and the next is made from what is true, from the older one that still is", async () => {
    const { chat, anna, first } = await summedUp();
    const upTo = Number(first?.up_to_seq);
    await edit(chat.id, upTo + 1, "fact NEW");
    expect(await stored(world, chat.id)).toEqual(first ? [first] : []);
    const [asked, folded] = await ask(world, anna, chat.id, yes, summary("True facts."));
    expect(textOf(asked)).not.toContain("More facts");
    expect(textOf(folded)).toContain("First facts.");
    expect(textOf(folded)).toContain("fact NEW");
    expect((await stored(world, chat.id)).map(({ content }) => content)).toEqual([
      "First facts.",
      "True facts.",
    ]);
  });

  test("goes with a message that is removed, and with it those made from it", async () => {
    const { chat, anna } = await summedUp();
    await world.sql`delete from messages where chat_id = ${chat.id} and seq = 1`;
    expect(await stored(world, chat.id)).toEqual([]);
    const [asked, folded] = await ask(world, anna, chat.id, yes, summary("The rest."));
    expect(textOf(asked)).not.toMatch(/facts\.|fact 1 /);
    expect(textOf(folded)).not.toMatch(/facts\.|fact 1 /);
    expect(await stored(world, chat.id)).toHaveLength(1);
  });

  test("stays when a message beyond it is edited", async () => {
    const { chat } = await summedUp();
    const before = await stored(world, chat.id);
    await edit(chat.id, Number(before[1]?.up_to_seq) + 1, "later words");
    expect(await stored(world, chat.id)).toEqual(before);
  });

  test.each([
    {
      how: "edited",
      change: (chatId: number) => edit(chatId, 1, "fact NEW"),
    },
    {
      how: "removed",
      change: (chatId: number) =>
        world.sql`delete from messages where chat_id = ${chatId} and seq = 1`,
    },
  ])("is not kept when that was $how while it was made", async ({ change }) => {
    const { chat, anna } = await room(world);
    await tell(anna, chat.id, ...facts(1, 7));
    const gate = gateway();
    world.gemini.respondWith(yes, answer(gate.step, say("Old facts."), finish()));
    await anna.say(chat.id, "/bot well?");
    await gate.reached;
    await change(chat.id);
    gate.open();
    await untilSummarised(world, chat.id);
    expect(await stored(world, chat.id)).toEqual([]);
    await ask(world, anna, chat.id, yes, summary("New facts."));
    expect((await stored(world, chat.id)).map(({ content }) => content)).toEqual(["New facts."]);
  });

  test("is not kept when that is being edited at the moment it is stored", async () => {
    const { chat, anna } = await room(world);
    await tell(anna, chat.id, ...facts(1, 7));
    const gate = gateway();
    world.gemini.respondWith(yes, answer(gate.step, say("Old facts."), finish()));
    await anna.say(chat.id, "/bot well?");
    await gate.reached;
    await world.whileLocked(
      chat.id,
      1,
      async () => gate.open(),
      (transaction) => edit(chat.id, 1, "fact NEW", transaction),
    );
    await untilSummarised(world, chat.id);
    expect(await stored(world, chat.id)).toEqual([]);
  });

  test("is not kept when the one that it continues has gone meanwhile", async () => {
    const { chat, anna } = await summedUp();
    await tell(anna, chat.id, ...facts(13, 18));
    const gate = gateway();
    world.gemini.respondWith(yes, answer(gate.step, say("All facts."), finish()));
    await anna.say(chat.id, "/bot well?");
    await gate.reached;
    await edit(chat.id, 1, "fact NEW");
    gate.open();
    await untilSummarised(world, chat.id);
    expect(await stored(world, chat.id)).toEqual([]);
  });
});
