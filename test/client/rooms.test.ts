// Rooms as the client shows them, against a real server.
import { afterEach, beforeAll, expect, test } from "bun:test";
import { answer, answerAndHang, finish, say } from "../world/gemini/script.ts";
import { useWorld } from "../world/world.ts";
import { createPeople, until, untilLive, type People } from "./people.ts";

const world = useWorld();
let people: People;
beforeAll(async () => {
  people = createPeople(world);
});
afterEach(() => people.closeAll());

/** Two people with a group chat, and its room open on both sides. */
async function pairInRoom() {
  const [ann, ben] = await people.pair();
  const chat = await ann.api.createChat({ is_group: true, participant_usernames: [ben.name] });
  const mine = ann.room(chat.id);
  const theirs = ben.room(chat.id);
  await Promise.all([untilLive(mine), untilLive(theirs)]);
  return { ann, ben, chat, mine, theirs };
}

test("a message is shown to its sender at once, and to everybody once it is stored", async () => {
  const { ann, mine, theirs } = await pairInRoom();
  const { clientId, settled } = mine.send("Hello!");
  expect(mine.getSnapshot().pending).toMatchObject([{ client_id: clientId, content: "Hello!" }]);
  expect(await settled).toEqual({ ok: true, message_id: expect.any(Number), seq: 1 });
  const { messages, chat } = await until(theirs, (room) => room.messages.length === 1);
  expect(messages).toMatchObject([
    { seq: 1, content: "Hello!", username: ann.name, client_id: clientId },
  ]);
  expect(chat?.last_seq).toBe(1);
  const shown = await until(mine, (room) => room.messages.length === 1);
  expect(shown.pending).toEqual([]);
});

test("messages arrive in the order in which they were written", async () => {
  const { mine, theirs } = await pairInRoom();
  const written = Array.from({ length: 20 }, (_, index) => `message ${index}`);
  for (const content of written) mine.send(content);
  expect(mine.getSnapshot().pending.map(({ content }) => content)).toEqual(written);
  const { messages } = await until(theirs, (room) => room.messages.length === written.length);
  expect(messages.map(({ content }) => content)).toEqual(written);
});

test("what the server refuses has visibly failed, can be discarded, and holds nothing up", async () => {
  const { mine } = await pairInRoom();
  const refused = mine.send("/bot");
  const sent = mine.send("Hello!");
  const result = await refused.settled;
  expect(result).toMatchObject({ ok: false, problem: { code: "invalid" } });
  expect(await sent.settled).toMatchObject({ ok: true });
  const { pending } = await until(mine, (room) => room.messages.length === 1);
  expect(pending).toMatchObject([
    { content: "/bot", state: "failed", problem: { detail: "Write your question after /bot." } },
  ]);
  expect(await mine.retry(refused.clientId)?.settled).toMatchObject({ ok: false });
  mine.discard(refused.clientId);
  expect(mine.getSnapshot().pending).toEqual([]);
  expect(mine.retry(refused.clientId)).toBeUndefined();
});

test("a message that no frame can carry, and one too many, are refused before they are sent", async () => {
  const ann = await people.signedIn();
  ann.disconnect();
  const room = ann.room(1);
  const tooLarge = await room.send("\u0001".repeat(16_000)).settled;
  expect(tooLarge).toMatchObject({ ok: false, problem: { code: "too_large" } });
  for (let count = 0; count < 200; count += 1) room.send("waits for a socket");
  const tooMany = await room.send("one more").settled;
  expect(tooMany).toMatchObject({ ok: false, problem: { code: "queue_full" } });
  expect(room.getSnapshot()).toMatchObject({ state: "offline", pending: { length: 200 } });
});

test("a message that could not be sent in time has failed, and may be sent again", async () => {
  const ann = await people.signedIn({ timing: { giveUpMs: 1 } });
  const chat = await ann.api.createChat({ is_group: true });
  ann.disconnect();
  const room = ann.room(chat.id);
  const { clientId, settled } = room.send("Hello!");
  expect(await settled).toMatchObject({ ok: false, problem: { code: "not_sent" } });
  ann.connect();
  await untilLive(room);
  room.retry(clientId);
  const { messages } = await until(room, (now) => now.messages.length === 1);
  expect(messages).toMatchObject([{ client_id: clientId }]);
});

test("an answer grows in the room, ends as it is stored, and can be stopped", async () => {
  const { ann, chat, mine, theirs } = await pairInRoom();
  world.gemini.respondWith(answer(say("The sky "), say("is blue."), finish()));
  mine.send("/bot Why?");
  const first = await until(theirs, ({ messages }) => messages[1]?.status === "complete");
  expect(first.messages[1]).toMatchObject({ content: "The sky is blue.", username: "Gemini" });
  expect(first.messages).toEqual(await ann.api.listMessages(chat.id));

  world.gemini.respondWith(answerAndHang(say("It goes on and on")));
  mine.send("/bot Again?");
  const running = await until(theirs, ({ messages }) => Boolean(messages[3]?.content));
  expect(running.messages[3]).toMatchObject({ status: "streaming", content: "It goes on and on" });
  await theirs.stop(running.messages[3]?.id ?? 0);
  const stopped = await until(mine, ({ messages }) => messages[3]?.status === "stopped");
  expect(stopped.messages).toEqual(await ann.api.listMessages(chat.id));
  await expect(mine.stop(running.messages[3]?.id ?? 0)).rejects.toMatchObject({
    name: "ProblemError",
    code: "answer_ended",
    status: 409,
  });
});

test("a question can be asked again, and what its answers cost can be asked for", async () => {
  const { ann, chat, mine, theirs } = await pairInRoom();
  world.gemini.respondWith(answer(say("Forty-one."), finish()));
  mine.send("/bot What is the answer?");
  const first = await until(theirs, ({ messages }) => messages[1]?.status === "complete");
  world.gemini.respondWith(answer(say("Forty-two."), finish()));
  const { id } = await theirs.regenerate(first.messages[1]?.id ?? 0);
  const { messages } = await until(mine, (room) => room.messages[2]?.status === "complete");
  expect(messages[2]).toMatchObject({ id, content: "Forty-two.", answer_to: messages[0]?.id });
  expect(messages).toEqual(await ann.api.listMessages(chat.id));

  const context = await ann.api.getAnswerContext(chat.id, id);
  expect(context).toMatchObject({ message_id: id, question_id: messages[0]?.id });
  expect((await ann.api.getUsage(1)).mine.days).toMatchObject([{ answers: 1 }]);
  const { models } = await ann.api.listModels();
  const [model = null] = models;
  await ann.api.changeChat(chat.id, { settings: { model, temperature: 0.5 } });
  const changed = await until(mine, (room) => room.chat?.settings.model === model);
  expect(changed.chat).toEqual(await ann.api.getChat(chat.id));
});

test("who comes and goes, who is there and who writes is seen", async () => {
  const { ann, ben, chat, theirs } = await pairInRoom();
  const cat = await people.signedIn();
  await ann.api.inviteToChat(chat.id, cat.name);
  await until(theirs, ({ participants }) =>
    participants.some(({ username }) => username === cat.name),
  );
  const cats = cat.room(chat.id);
  await untilLive(cats);
  await until(theirs, ({ online }) => online.some(({ username }) => username === cat.name));
  cats.typing();
  await until(theirs, ({ typing }) => typing.some(({ username }) => username === cat.name));
  cats.send("Hello!");
  await until(theirs, ({ typing, messages }) => messages.length === 1 && typing.length === 0);
  cats.close();
  await until(theirs, ({ online }) => online.every(({ username }) => username !== cat.name));

  const me = await ben.session.me();
  await ann.api.changeChat(chat.id, { owner_id: me.id, name: "Ours" });
  const { participants, chat: changed } = await until(theirs, (room) => room.chat?.name === "Ours");
  expect(participants.map(({ role }) => role)).toEqual(["member", "owner", "member"]);
  expect(participants).toEqual(await ann.api.listParticipants(chat.id));
  expect(changed).toEqual(await ann.api.getChat(chat.id));
});

test("a room is gone for who was removed, and back when they are invited again", async () => {
  const { ann, ben, chat, mine, theirs } = await pairInRoom();
  await ann.api.removeParticipant(chat.id, (await ben.session.me()).id);
  const gone = await until(theirs, ({ state }) => state === "gone");
  expect(gone.problem?.code).toBe("not_found");
  expect(ben.connection.getSnapshot().state).toBe("live");
  await mine.send("You can't see this").settled;
  await ann.api.inviteToChat(chat.id, ben.name);
  const { messages } = await untilLive(theirs);
  expect(messages.map(({ content }) => content)).toEqual(["You can't see this"]);
  await ann.api.deleteChat(chat.id);
  await until(theirs, ({ state }) => state === "gone");
});

test("older messages are loaded page by page", async () => {
  const ann = await people.signedIn();
  const chat = await ann.api.createChat({ is_group: true });
  const written = Array.from({ length: 101 }, (_, index) => `message ${index}`);
  for (const content of written) await ann.api.sendMessage(chat.id, content);
  const room = ann.room(chat.id);
  const first = await untilLive(room);
  expect([first.messages.length, first.hasOlder]).toEqual([50, true]);
  expect(await room.loadOlder()).toBe(true);
  expect(await room.loadOlder()).toBe(false);
  expect(await room.loadOlder()).toBe(false);
  const { messages } = room.getSnapshot();
  expect(messages.map(({ content }) => content)).toEqual(written);
});

test("reading is told once for many calls, and never moves back", async () => {
  const { ben, mine, theirs } = await pairInRoom();
  mine.send("one");
  mine.send("two");
  await until(theirs, ({ messages }) => messages.length === 2);
  const [before] = await ben.api.listChats();
  await Promise.all([theirs.markRead(1), theirs.markRead(), theirs.markRead(1)]);
  const [after] = await ben.api.listChats();
  expect([before?.unread_count, after?.unread_count]).toEqual([2, 0]);
});

test("reading on is stored after the same number, and that of an empty room, were marked again", async () => {
  const { ben, mine, theirs } = await pairInRoom();
  await theirs.markRead();
  for (const [index, text] of ["one", "two"].entries()) {
    mine.send(text);
    await until(theirs, ({ messages }) => messages.length === index + 1);
    await theirs.markRead();
    await theirs.markRead();
    const [chat] = await ben.api.listChats();
    expect(chat?.unread_count).toBe(0);
  }
});

test("a snapshot stays the same until something is new, and an ended subscription is quiet", async () => {
  const { mine, theirs } = await pairInRoom();
  const snapshot = theirs.getSnapshot();
  expect(theirs.getSnapshot()).toBe(snapshot);
  let heard = 0;
  const end = theirs.subscribe(() => (heard += 1));
  mine.send("one");
  const next = await until(theirs, ({ messages }) => messages.length === 1);
  expect(snapshot.messages).toEqual([]);
  expect(next).not.toBe(snapshot);
  expect(heard).toBeGreaterThan(0);
  end();
  const before = heard;
  mine.send("two");
  await until(theirs, ({ messages }) => messages.length === 2);
  expect(heard).toBe(before);
});

test("a room that was opened twice stays open until it is closed twice", async () => {
  const { ann, ben, chat, mine, theirs } = await pairInRoom();
  const again = ben.room(chat.id);
  theirs.close();
  theirs.close();
  mine.send("one");
  await until(again, ({ messages }) => messages.length === 1);
  again.close();
  await until(mine, ({ online }) => online.length === 1);
  expect(ann.connection.getSnapshot().state).toBe("live");
});
