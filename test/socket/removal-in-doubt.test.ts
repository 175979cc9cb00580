// A removal whose outcome nobody knows, and what is told while it is on its way.
import { expect, test } from "bun:test";
import { activityTopic } from "../../src/realtime/topics.ts";
import { activityFrame } from "../../src/wire/message-frames.ts";
import { useWorld, type Person } from "../world/world.ts";

const world = useWorld({ durations: { removalDoubtMs: 500, membershipPollMs: 10 } });

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

  const held = await hold(chat.id);
  const removal = ann.api("DELETE", `/api/chats/${chat.id}/participants/${ben.id}`);
  await world.untilBlocked();
  await tellNewsAfter(chat, ann);
  await held.letGo();
  expect((await removal).status).toBe(200);
  await bens.next("removed_from_chat");
  await ann.say(chat.id, "and after that");
  await bens.settle();
  expect(bens.ofType("chat_activity")).toEqual([]);
});

/** Tells the news of a message that was stored right after a change of a chat, and whose reply was faster. */
async function tellNewsAfter(chat: { id: number; last_seq: number }, author: Person) {
  const elsewhere = await author.chat();
  const message = await author.say(elsewhere.id, "after");
  const after = { ...message, chat_id: chat.id, seq: chat.last_seq + 2 };
  world.ctx.realtime.toList(activityFrame(after), { seq: after.seq });
}

test("a socket that opens while its person is being removed is told no news of the chat", async () => {
  const ann = await world.person("ann");
  const ben = await world.person("ben");
  const chat = await ann.chat({ with: [ben] });

  const held = await hold(chat.id);
  const removal = ann.api("DELETE", `/api/chats/${chat.id}/participants/${ben.id}`);
  await world.untilBlocked();
  const bens = await ben.socket();
  await bens.settle();
  await tellNewsAfter(chat, ann);
  await held.letGo();
  expect((await removal).status).toBe(200);
  await bens.next("removed_from_chat");
  expect(bens.ofType("chat_activity")).toEqual([]);
});

test("an invitation that is told while the person is being removed brings no news before they are back", async () => {
  const ann = await world.person("ann");
  const ben = await world.person("ben");
  const chat = await ann.chat({ with: [ben] });
  const bens = await ben.socket();

  const held = await hold(chat.id);
  const removal = ann.api("DELETE", `/api/chats/${chat.id}/participants/${ben.id}`);
  await world.untilBlocked();
  // As of an invitation before the removal, whose reply was late.
  world.ctx.realtime.toUser(
    ben.id,
    { type: "chat_invite", chat, notification: "come in" },
    { chatId: chat.id, seq: chat.last_seq },
  );
  await bens.next("chat_invite");
  await tellNewsAfter(chat, ann);
  await held.letGo();
  expect((await removal).status).toBe(200);
  await bens.closed;
  expect(bens.ofType("chat_activity")).toEqual([]);
});

test("whoever is invited again while a request removes nobody is told the chat's news", async () => {
  const ann = await world.person("ann");
  const ben = await world.person("ben");
  const chat = await ann.chat();
  const bens = await ben.socket();

  const held = await hold(chat.id);
  const removal = ann.api("DELETE", `/api/chats/${chat.id}/participants/${ben.id}`);
  await world.untilBlocked();
  const invitation = ann.api("POST", `/api/chats/${chat.id}/invite`, { username: ben.username });
  await world.untilBlocked(2);
  await held.letGo();
  const [removed, invited] = await Promise.all([removal, invitation]);
  expect(invited.status).toBe(200);
  // Whichever came first, Ben is told of the chat's news if he is in it.
  const isIn = removed.status === 404;
  const back = await Promise.race([
    bens.closed.then(() => ben.socket()),
    bens.settle().then(() => bens),
  ]);
  await ann.say(chat.id, "welcome");
  if (isIn) await back.next("chat_activity", { last_message: "welcome" });
  await back.settle();
  expect(back.ofType("chat_activity")).toHaveLength(isIn ? 1 : 0);
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
  const { followers } = world.sockets;
  while (followers.count(activityTopic(chat.id).name) < 2) await anns.settle();
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
