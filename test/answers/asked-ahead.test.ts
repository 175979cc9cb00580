// The model is asked while its question is being stored.
import { expect, setDefaultTimeout, test } from "bun:test";
import { answer, answerAndHang, finish, say } from "../world/gemini/script.ts";
import { useWorld } from "../world/world.ts";
import { whenAborted } from "./asking.ts";
import { expectSettled } from "./budget/settlement.ts";
import { answerEnds, room } from "./room.ts";

// On a busy machine.
setDefaultTimeout(20_000);

const world = useWorld();

const pathOf = ({ id }: { id: number }) => `/api/chats/${id}/messages`;

test("the model is asked before its question is stored, and nobody sees a word of it until then", async () => {
  const { chat, anna, bens, messages } = await room(world);
  world.gemini.respondWith(answer(say("Early."), finish()));
  const nth = world.gemini.requests.length + 1;
  const asked = await world.whileLocked(
    chat.id,
    1,
    () => anna.api("POST", pathOf(chat), { content: "/bot now?" }),
    async () => {
      await world.gemini.received(nth);
      await bens.settle();
      expect(bens.ofType("bot_stream")).toEqual([]);
    },
  );
  expect(asked.status).toBe(200);
  const shown = await answerEnds(bens);
  expect(shown).toMatchObject({ text: "Early.", first: { answer_to: asked.body.id } });
  const { body } = await anna.api("GET", `${pathOf(chat)}/${shown.messageId}/context`);
  expect(body.messages.map(({ id }: { id: number }) => id)).toEqual([asked.body.id]);
  expect(await messages()).toHaveLength(2);
  await expectSettled(world);
});

test("a question that may not be stored after all ends the request, which is charged to who asked", async () => {
  const { chat, anna, bens } = await room(world);
  world.gemini.respondWith(answerAndHang(say("To nobody")));
  const nth = world.gemini.requests.length + 1;
  const asked = await world.whileLocked(
    chat.id,
    1,
    () => anna.api("POST", pathOf(chat), { content: "/bot may I?" }),
    async (transaction) => {
      await world.gemini.received(nth);
      await transaction`
        delete from chat_participants where chat_id = ${chat.id} and user_id = ${anna.id}
      `;
    },
  );
  expect(asked.status).toBe(404);
  const request = await world.gemini.received(nth);
  await whenAborted(request.aborted);
  await bens.settle();
  expect(bens.ofType("bot_stream")).toEqual([]);
  await expectSettled(world);
  const [day] = await world.sql`
    select total_tokens from usage_days where kind = 'user' and id = ${anna.id}
  `;
  expect(Number(day?.total_tokens)).toBeGreaterThan(0);
});
