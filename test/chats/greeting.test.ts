// The first message of an AI chat, which the server writes when the chat is opened.
import { beforeAll, describe, expect, test } from "bun:test";
import { answer, finish, say } from "../world/gemini/script.ts";
import { createReadLog } from "../../src/log/replay.ts";
import { startWorld, useWorld, type Person } from "../world/world.ts";
import { expectProblem, time } from "../http/refusals.ts";
import { newMessage } from "../world/new-message.ts";

const world = useWorld();
let ann: Person;
let ben: Person;
let cat: Person;
beforeAll(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
  cat = await world.person("cat");
});

const aiChat = (more: object = {}) => ann.chat({ is_ai_chat: true, with: [ben], ...more });
const history = async (person: Person, chatId: number) =>
  (await person.api("GET", `/api/chats/${chatId}/messages`)).body;
async function summaryOf(person: Person, chatId: number) {
  const { body } = await person.api("GET", "/api/chats");
  return body.find(({ id }: { id: number }) => id === chatId);
}

describe("the greeting of an AI chat", () => {
  test("is its first message, says that anybody may write and without /bot, and asks no model", async () => {
    const requests = world.gemini.requests.length;
    for (const is_group of [true, false]) {
      const chat = await aiChat({ is_group });
      expect(chat).toMatchObject({ last_seq: 1, updated_seq: 0 });
      expect(await history(ben, chat.id)).toEqual([
        newMessage({
          id: expect.any(Number),
          chat_id: chat.id,
          seq: 1,
          updated_seq: 1,
          user_id: null,
          username: "Gemini",
          content: expect.stringMatching(/whoever.*no \/bot/),
          is_bot: true,
          created_at: time,
        }),
      ]);
      expect((await ann.api("GET", `/api/chats/${chat.id}`)).body).toEqual(chat);
    }
    expect(world.gemini.requests.length).toBe(requests);
  });

  test("is no news: everyone has read it, who is invited later too, and what follows counts", async () => {
    const chat = await aiChat();
    const [greeting] = await history(ann, chat.id);
    await ann.api("POST", `/api/chats/${chat.id}/invite`, { username: cat.username });
    for (const person of [ann, ben, cat]) {
      expect(await summaryOf(person, chat.id)).toMatchObject({
        unread_count: 0,
        last_message: greeting.content,
        last_message_time: greeting.created_at,
      });
    }
    const positions = await world.sql`
      select last_read_seq from chat_participants where chat_id = ${chat.id} order by id
    `;
    expect(positions.map((row) => row.last_read_seq)).toEqual([1, 1, 2]);

    world.gemini.respondWith(answer(say("Hi."), finish()));
    const listening = await ann.joined(chat.id);
    expect(await ann.say(chat.id, "Hello?")).toMatchObject({ seq: 3 });
    await listening.next("bot_stream", { is_complete: true });
    expect((await summaryOf(ann, chat.id)).unread_count).toBe(1);
    expect((await summaryOf(ben, chat.id)).unread_count).toBe(2);
    expect((await summaryOf(cat, chat.id)).unread_count).toBe(2);
  });

  test("comes as a message to who joins from the beginning, and not again to who has it", async () => {
    const chat = await aiChat();
    const [{ id, ...greeting }] = await history(ann, chat.id);
    const socket = await ben.joined(chat.id, 0);
    expect(socket.ofType("message")).toEqual([{ type: "message", message_id: id, ...greeting }]);
    expect(await socket.ask({ type: "join", chat_id: chat.id, after_seq: 1 })).toMatchObject({
      type: "joined",
      last_seq: 1,
      recovered: true,
    });
    expect(socket.ofType("message")).toHaveLength(1);
    expect(socket.ofType("bot_stream")).toEqual([]);
  });

  test("is a message in the room's log, for who lacks number 1", async () => {
    const chat = await aiChat();
    const [{ id, ...greeting }] = await history(ann, chat.id);
    const { lastSeq, frames } = await createReadLog(world.sql)(chat.id, 0, 10);
    expect(lastSeq).toBe(1);
    expect(frames.map(({ text }) => JSON.parse(text))).toEqual([
      { type: "message", message_id: id, ...greeting },
    ]);
  });

  test("is told to nobody live: a new chat is told as chat_created, with the number it has reached", async () => {
    const bens = await ben.socket();
    const chat = await aiChat();
    expect(await bens.next("chat_created")).toMatchObject({ chat });
    await bens.settle();
    for (const type of ["message", "chat_activity"]) expect(bens.ofType(type)).toEqual([]);
  });

  test("is no running answer that somebody could stop", async () => {
    const chat = await aiChat();
    const [{ id }] = await history(ann, chat.id);
    const path = `/api/chats/${chat.id}/messages/${id}`;
    expectProblem(await ben.api("POST", `${path}/stop`), 409, "answer_ended");
    expect(await history(ann, chat.id)).toHaveLength(1);
  });

  test("is there without a model, too", async () => {
    const bare = await startWorld({ model: false });
    const dan = await bare.person("dan");
    const chat = await dan.chat({ is_ai_chat: true });
    expect(await history(dan, chat.id)).toHaveLength(1);
    await bare.stop();
  });
});

describe("no greeting", () => {
  test("is in any other chat", async () => {
    const chat = await ann.chat({ with: [ben] });
    expect(chat.last_seq).toBe(0);
    expect(await history(ann, chat.id)).toEqual([]);
  });

  test("is left of an AI chat that was refused", async () => {
    const count = async () => (await world.sql`select 1 from messages where is_bot`).length;
    const before = await count();
    const busy = await world.person("busy");
    await world.sql`
      with made as (
        insert into chats (name, owner_id, participant_count)
        select 'chat ' || n, ${busy.id}, 1 from generate_series(1, 1000) n
        returning id
      )
      insert into chat_participants (chat_id, user_id) select id, ${busy.id} from made
    `;
    for (const [names, status, code] of [
      [[busy.username], 409, "too_many_chats"],
      [[ben.username, cat.username], 409, "chat_full"],
      [["nobody_here"], 404, "not_found"],
    ] as const) {
      const body = { is_ai_chat: true, participant_usernames: names };
      expectProblem(await ann.api("POST", "/api/chats", body), status, code);
    }
    expect(await count()).toBe(before);
  });
});
