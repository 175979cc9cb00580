// Requests that wait for one another's locks: the second one must see what the first has changed, though its
// statement began before that.
import { expect, test } from "bun:test";
import { useWorld } from "../world/world.ts";

const world = useWorld();

test("an invitation that was waiting when its sender was removed adds nobody", async () => {
  const [ann, ben, cleo] = [await world.person(), await world.person(), await world.person()];
  const chat = await ann.chat({ with: [ben] });
  const answer = await world.whileLocked(
    chat.id,
    1,
    () => ben.api("POST", `/api/chats/${chat.id}/invite`, { username: cleo.username }),
    async (sql) => {
      await sql`delete from chat_participants where chat_id = ${chat.id} and user_id = ${ben.id}`;
    },
  );
  expect(answer).toMatchObject({ status: 404 });
  const { body } = await ann.api("GET", `/api/chats/${chat.id}/participants`);
  expect(body.map(({ id }: { id: number }) => id)).toEqual([ann.id]);
  expect((await cleo.api("GET", `/api/chats/${chat.id}`)).status).toBe(404);
});

test("of two who invite the same person to the last place both succeed, and the person is there once", async () => {
  const [ann, ben] = [await world.person(), await world.person()];
  const chat = await ann.chat({ is_group: false });
  const invite = () => ann.api("POST", `/api/chats/${chat.id}/invite`, { username: ben.username });
  const answers = await world.whileLocked(chat.id, 2, () => Promise.all([invite(), invite()]));
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  for (const { body } of answers) {
    expect(body.participant).toMatchObject({ id: ben.id, username: ben.username, role: "member" });
  }
  const { body: changed } = await ann.api("GET", `/api/chats/${chat.id}`);
  expect(changed.last_seq).toBe(1);
});

test("somebody who leaves twice at once is out once, and keeps their sockets", async () => {
  const [ann, ben] = [await world.person(), await world.person()];
  const chat = await ann.chat({ with: [ben] });
  const socket = await ben.socket();
  const leave = () => ben.api("POST", `/api/chats/${chat.id}/leave`);
  const answers = await world.whileLocked(chat.id, 2, () => Promise.all([leave(), leave()]));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 404]);
  await socket.settle();
  const { body: changed } = await ann.api("GET", `/api/chats/${chat.id}`);
  expect(changed.last_seq).toBe(1);
});

test("a message that waits for its chat while its sender is removed is refused, and takes no number", async () => {
  const [ann, ben] = [await world.person(), await world.person()];
  const chat = await ann.chat({ with: [ben] });
  const answer = await world.whileLocked(
    chat.id,
    1,
    () => ben.api("POST", `/api/chats/${chat.id}/messages`, { content: "too late" }),
    async (sql) => {
      await sql`delete from chat_participants where chat_id = ${chat.id} and user_id = ${ben.id}`;
    },
  );
  expect(answer.status).toBe(404);
  expect((await ann.say(chat.id, "first")).seq).toBe(1);
});

test("a deletion that waits for an invitation or a departure tells those who are in the chat then", async () => {
  const [ann, ben, cleo] = [await world.person(), await world.person(), await world.person()];
  const [bens, cleos] = [await ben.socket(), await cleo.socket()];
  const deletedAfter = async (chatId: number, first: () => ReturnType<typeof ann.api>) => {
    const answers = await world.whileLocked(chatId, 2, async () => {
      const before = first();
      await world.untilBlocked(1);
      return await Promise.all([before, ann.api("DELETE", `/api/chats/${chatId}`)]);
    });
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  };
  const grown = await ann.chat({ with: [ben] });
  await deletedAfter(grown.id, () =>
    ben.api("POST", `/api/chats/${grown.id}/invite`, { username: cleo.username }),
  );
  await cleos.next("chat_deleted", { chat_id: grown.id });
  const shrunk = await ann.chat({ with: [ben] });
  await deletedAfter(shrunk.id, () => ben.api("POST", `/api/chats/${shrunk.id}/leave`));
  await bens.next("removed_from_chat", { chat_id: shrunk.id });
  await bens.settle();
  expect(bens.ofType("chat_deleted").map(({ chat_id }) => chat_id)).toEqual([grown.id]);
});
