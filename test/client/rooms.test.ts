// Rooms as the client shows them, against a real server.
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { answer, finish, say } from "../../src/emulator/script.ts";
import { startWorld, type World } from "../world/world.ts";
import { createPeople, until, type People } from "./people.ts";

let world: World;
let people: People;
beforeAll(async () => {
  world = await startWorld();
  people = createPeople(() => world.url);
});
afterEach(() => people.closeAll());
afterAll(() => world.stop());

test("a message is shown to its sender at once, and to everybody once it is stored", async () => {
  const [ann, ben] = await people.pair();
  const chat = await ann.api.createChat({ is_group: true, participant_usernames: [ben.name] });
  const mine = ann.room(chat.id);
  const theirs = ben.room(chat.id);
  await until(mine, ({ state }) => state === "live");
  await until(theirs, ({ state }) => state === "live");

  const { clientId, settled } = mine.send("Hello!");
  expect(mine.getSnapshot().pending).toMatchObject([{ client_id: clientId, content: "Hello!" }]);
  expect(await settled).toEqual({ ok: true, message_id: expect.any(Number), seq: 1 });
  const { messages, chat: shown } = await until(theirs, (room) => room.messages.length === 1);
  expect(messages).toMatchObject([
    { seq: 1, content: "Hello!", username: ann.name, client_id: clientId },
  ]);
  expect(shown?.last_seq).toBe(1);
  const settledRoom = await until(mine, (room) => room.messages.length === 1);
  expect(settledRoom.pending).toEqual([]);
});

test("an answer grows in the room, and ends as it is stored", async () => {
  const ann = await people.signedIn();
  const chat = await ann.api.createChat({ is_group: true });
  const room = ann.room(chat.id);
  await until(room, ({ state }) => state === "live");
  world.gemini.respondWith(answer(say("The sky "), say("is blue."), finish()));
  room.send("/bot Why?");
  const { messages } = await until(room, (now) => now.messages[1]?.status === "complete");
  expect(messages[1]).toMatchObject({
    content: "The sky is blue.",
    is_bot: true,
    username: "Gemini",
  });
  expect(messages).toEqual((await ann.api.listMessages(chat.id)).messages);
});
