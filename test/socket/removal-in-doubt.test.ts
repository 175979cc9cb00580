// A removal whose outcome nobody knows, and what is told while it is on its way.
import { expect, test } from "bun:test";
import { activityFrame } from "../../src/wire/message-frames.ts";
import { useWorld } from "../world/world.ts";

const world = useWorld();

/** Holds a chat's row, so that whatever changes it waits. */
async function hold(chatId: number) {
  const sql = await world.sql.reserve();
  await sql`begin`;
  await sql`select from chats where id = ${chatId} for update`;
  return {
    async letGo() {
      await sql`rollback`;
      sql.release();
    },
  };
}

test("while somebody is being removed they are told no news of the chat, and none afterwards", async () => {
  const ann = await world.person("ann");
  const ben = await world.person("ben");
  const chat = await ann.chat({ with: [ben] });
  const bens = await ben.socket();
  const elsewhere = await ann.chat();
  const message = await ann.say(elsewhere.id, "after");

  const held = await hold(chat.id);
  const removal = ann.api("DELETE", `/api/chats/${chat.id}/participants/${ben.id}`);
  await world.untilBlocked();
  // As of a message that was committed right after the removal, and whose reply was faster.
  const after = { ...message, chat_id: chat.id, seq: chat.last_seq + 2 };
  world.ctx.realtime.toList(activityFrame(after));
  await held.letGo();
  expect((await removal).status).toBe(200);
  await bens.next("removed_from_chat");
  await ann.say(chat.id, "and after that");
  await bens.settle();
  expect(bens.ofType("chat_activity")).toEqual([]);
});

test("who was perhaps removed has to come back, and hears of the chat again if they were not", async () => {
  const ann = await world.person("ann");
  const ben = await world.person("ben");
  const chat = await ann.chat({ with: [ben] });
  const bens = await ben.socket();
  const anns = await ann.socket();

  const held = await hold(chat.id);
  const removal = ann.api("DELETE", `/api/chats/${chat.id}/participants/${ben.id}`);
  await world.untilBlocked();
  await world.sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'
  `;
  expect((await removal).status).toBe(503);
  expect(await bens.closed).toMatchObject({
    code: 1013,
    reason: expect.stringMatching(/^unavailable: /),
  });
  await held.letGo();

  const back = await ben.socket();
  await anns.ask({ type: "message", chat_id: chat.id, content: "still here" });
  await back.next("chat_activity", { last_message: "still here" });
  await anns.next("chat_activity", { last_message: "still here" });
});

test("who stops listening to a room they were removed from is not told its news", async () => {
  const ann = await world.person("ann");
  const ben = await world.person("ben");
  const chat = await ann.chat({ with: [ben] });
  const bens = await ben.joined(chat.id);
  // A number that nobody was told of: the room shows nothing more until it has read it from the log.
  await world.sql`
    with moved as (
      update chats set last_seq = last_seq + 1, updated_seq = last_seq + 1 where id = ${chat.id} returning id, last_seq
    )
    insert into chat_changes (chat_id, seq, kind) select id, last_seq, 'chat_updated' from moved
  `;
  await ann.api("DELETE", `/api/chats/${chat.id}/participants/${ben.id}`);
  expect(bens.ofType("participant_removed")).toEqual([]);
  await bens.ask({ type: "leave", chat_id: chat.id });
  await ann.say(chat.id, "without ben");
  await bens.settle();
  expect(bens.ofType("chat_activity")).toEqual([]);
});
