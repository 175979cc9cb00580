// People who come into chats and leave them while this server is not told: another server does it, or a statement whose reply
// was lost.
import { expect, test } from "bun:test";
import { insertParticipant } from "../../src/chats/participant-queries.ts";
import { deleteParticipant } from "../../src/chats/removal-queries.ts";
import { activityTopic } from "../../src/realtime/topics.ts";
import { useWorld, type Person } from "../world/world.ts";

/** Tests call the poll. */
const world = useWorld({
  durations: {
    membershipPollMs: 3_600_000,
    logCheckMs: 3_600_000,
    activityMs: 1,
    removalDoubtMs: 3_600_000,
  },
});

async function pair() {
  const [ann, ben] = [await world.person("ann"), await world.person("ben")];
  const chat = await ann.chat({ with: [ben] });
  const anns = await ann.socket();
  /** Sends a message, and waits until those who follow the chat were told of it. */
  const tell = async (chatId: number, content: string) => {
    await ann.say(chatId, content);
    await anns.next("chat_activity", { chat_id: chatId, last_message: content });
  };
  return { ann, ben, chat, tell };
}

/** Removes somebody as a statement does that nobody awaits. */
const removeUntold = (owner: Person, chatId: number, person: Person) =>
  deleteParticipant(world.sql, owner, chatId, person.id);

const inviteUntold = (host: Person, chatId: number, person: Person) =>
  insertParticipant(world.sql, host, chatId, person);

test("a socket that opened before a removal was committed is told no news after the next look", async () => {
  const { ann, ben, chat, tell } = await pair();
  const [bens, twin] = [await ben.socket(), await ben.socket()];
  await world.memberships.poll();
  await tell(chat.id, "before");
  await Promise.all([bens, twin].map((socket) => socket.next("chat_activity")));
  await removeUntold(ann, chat.id, ben);
  await world.memberships.poll();
  await tell(chat.id, "after");
  for (const socket of [bens, twin]) {
    await socket.settle();
    expect(socket.ofType("chat_activity")).toMatchObject([{ last_message: "before" }]);
  }
});

test("the first look checks everybody who has come before it", async () => {
  const { ann, ben, chat, tell } = await pair();
  const bens = await ben.socket();
  await removeUntold(ann, chat.id, ben);
  await world.memberships.poll();
  await tell(chat.id, "after");
  await bens.settle();
  expect(bens.ofType("chat_activity")).toEqual([]);
});

test("who was removed from a room that they listen to hears their removal, and no news when they have left it", async () => {
  const { ann, ben, chat, tell } = await pair();
  const [listening, leaving] = [await ben.joined(chat.id), await ben.joined(chat.id)];
  await world.memberships.poll();
  await removeUntold(ann, chat.id, ben);
  const looked = world.memberships.poll();
  await listening.next("participant_removed", { user_id: ben.id });
  await looked;
  await leaving.ask({ type: "leave", chat_id: chat.id });
  await tell(chat.id, "after");
  for (const socket of [listening, leaving]) {
    await socket.settle();
    expect(socket.ofType("chat_activity")).toEqual([]);
    expect(socket.ofType("message")).toEqual([]);
  }
});

test("a chat that somebody came into elsewhere brings news after the next look, and so does one that they came back to", async () => {
  const { ann, ben, chat, tell } = await pair();
  const other = await ann.chat();
  const bens = await ben.socket();
  await world.memberships.poll();
  await removeUntold(ann, chat.id, ben);
  await world.memberships.poll();
  await inviteUntold(ann, chat.id, ben);
  await inviteUntold(ann, other.id, ben);
  await world.memberships.poll();
  for (const { id } of [chat, other]) {
    await tell(id, "welcome");
    await bens.next("chat_activity", { chat_id: id, last_message: "welcome" });
  }
});

test("an invitation that comes while the chats are being read is not taken back", async () => {
  const { ann, ben, chat, tell } = await pair();
  const other = await ann.chat();
  const bens = await ben.socket();
  await world.memberships.poll();
  await removeUntold(ann, chat.id, ben);
  // The reading waits for the table, with a snapshot of before the invitation: the invitation is told of by hand.
  const transaction = await world.sql.reserve();
  await transaction`begin`;
  await transaction`lock table chat_participants in access exclusive mode`;
  const looked = world.memberships.poll();
  await world.untilBlocked();
  await transaction`insert into chat_participants (chat_id, user_id) values (${other.id}, ${ben.id})`;
  world.ctx.realtime.toUser(
    ben.id,
    { type: "chat_invite", chat: other, notification: "come in" },
    { chatId: other.id, seq: other.last_seq },
  );
  await bens.next("chat_invite");
  await transaction`commit`;
  transaction.release();
  await looked;
  await tell(other.id, "welcome");
  await bens.next("chat_activity", { chat_id: other.id });
  await removeUntold(ann, other.id, ben);
  // The next look makes up for it.
  await world.memberships.poll();
  await tell(chat.id, "after");
  await tell(other.id, "without ben");
  await bens.settle();
  expect(bens.ofType("chat_activity")).toMatchObject([{ chat_id: other.id }]);
});

test("a removal that is under way while the chats are being read stays in force", async () => {
  const { ann, ben, chat, tell } = await pair();
  const bens = await ben.socket();
  await world.memberships.poll();
  const other = await ann.chat({ with: [ben] });
  const held = await world.sql.reserve();
  await held`begin`;
  await held`select from chats where id = ${chat.id} for update`;
  const removal = ann.api("DELETE", `/api/chats/${chat.id}/participants/${ben.id}`);
  await world.untilBlocked();
  await world.memberships.poll();
  await tell(other.id, "elsewhere");
  await bens.next("chat_activity", { chat_id: other.id });
  expect(world.sockets.followers.count(activityTopic(other.id).name)).toBe(2);
  expect(world.sockets.followers.count(activityTopic(chat.id).name)).toBe(1);
  await held`rollback`;
  held.release();
  expect((await removal).status).toBe(200);
  await world.memberships.poll();
  await tell(chat.id, "after");
  await bens.settle();
  expect(bens.ofType("chat_activity")).toHaveLength(1);
});

test("a removal whose reply was lost stays in force when the person's sockets are back, since it may be committed yet", async () => {
  const { ann, ben, chat, tell } = await pair();
  const bens = await ben.socket();
  const held = await world.sql.reserve();
  await held`begin`;
  await held`select from chats where id = ${chat.id} for update`;
  const removal = ann.api("DELETE", `/api/chats/${chat.id}/participants/${ben.id}`);
  await world.untilBlocked();
  await world.sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'
  `;
  expect((await removal).status).toBe(503);
  await bens.closed;
  await held`rollback`;
  held.release();
  const back = await ben.socket();
  await world.memberships.poll();
  await tell(chat.id, "in doubt");
  await removeUntold(ann, chat.id, ben);
  await tell(chat.id, "after");
  await back.settle();
  expect(back.ofType("chat_activity")).toEqual([]);
});
