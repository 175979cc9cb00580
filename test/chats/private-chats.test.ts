// Two people have one private chat, and each sees it under the other's name.
import { beforeEach, describe, expect, test } from "bun:test";
import { insertChat } from "../../src/chats/new-chat-queries.ts";
import { useWorld, type Person } from "../world/world.ts";
import { expectProblem } from "../http/refusals.ts";

const world = useWorld();
let ann: Person;
let ben: Person;
beforeEach(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
});

const open = (person: Person, other: Person, more: object = {}) =>
  person.api("POST", "/api/chats", {
    is_group: false,
    participant_usernames: [other.username],
    ...more,
  });
const get = async (person: Person, chatId: number) =>
  (await person.api("GET", `/api/chats/${chatId}`)).body;
const listed = async (person: Person) => (await person.api("GET", "/api/chats")).body;

describe("opening a private chat", () => {
  test("returns the one that the two have, from both sides, and tells nobody anything", async () => {
    const first = await open(ann, ben);
    expect(first.status).toBe(200);
    await ben.say(first.body.id, "Hello!");
    const sockets = [await ann.socket(), await ben.socket()];
    for (const [person, other] of [
      [ann, ben],
      [ben, ann],
    ] as const) {
      const again = await open(person, other, { name: "Another name" });
      expect(again.status).toBe(200);
      expect(again.body).toEqual({ ...first.body, name: other.username, last_seq: 1 });
    }
    for (const socket of sockets) {
      await socket.settle();
      expect(socket.frames.filter(({ type }) => type === "chat_created")).toEqual([]);
    }
    expect(await listed(ann)).toHaveLength(1);
  });

  test("by 20 requests from both sides at the same time makes one", async () => {
    for (let round = 0; round < 5; round += 1) {
      const cat = await world.person("cat");
      const dan = await world.person("dan");
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          index % 2 ? open(cat, dan) : open(dan, cat, { name: index % 4 ? "Named" : null }),
        ),
      );
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
      for (const person of [cat, dan]) expect(await listed(person)).toHaveLength(1);
    }
  });

  test("is refused a second time by the database itself", async () => {
    await open(ann, ben);
    const second = await insertChat(world.sql, {
      name: "second",
      isNamed: true,
      owner: ben,
      isGroup: false,
      isAiChat: false,
      participantIds: [ann.id],
      greeting: undefined,
      partnerId: ann.id,
    });
    expect(second).toBeUndefined();
  });

  test("leaves groups of two and chats with Gemini alone", async () => {
    const group = await ann.chat({ with: [ben], name: "Group" });
    const ai = await open(ann, ben, { is_ai_chat: true });
    const { body: chat } = await open(ann, ben);
    const secondAi = await open(ann, ben, { is_ai_chat: true });
    expect(new Set([group.id, ai.body.id, chat.id, secondAi.body.id]).size).toBe(4);
    expect(ai.body.name).toBe("Gemini");
    expect((await open(ben, ann)).body.id).toBe(chat.id);
  });

  test("is possible with somebody who is in the most chats already, if the two have one", async () => {
    const { body: chat } = await open(ann, ben);
    const cat = await world.person("cat");
    await world.sql`
      with made as (
        insert into chats (name, owner_id, participant_count)
        select 'chat ' || n, ${ben.id}, 1 from generate_series(1, 999) n
        returning id
      )
      insert into chat_participants (chat_id, user_id) select id, ${ben.id} from made
    `;
    expect((await open(ann, ben)).body.id).toBe(chat.id);
    expectProblem(await open(cat, ben), 409, "too_many_chats");
  });

  test("opens a new one after one of the two has left, was removed, or the chat was deleted", async () => {
    const { body: left } = await open(ann, ben);
    await ben.api("POST", `/api/chats/${left.id}/leave`);
    const { body: second } = await open(ben, ann);
    expect(second.id).not.toBe(left.id);
    expect((await open(ann, ben)).body.id).toBe(second.id);
    expectProblem(await ben.api("GET", `/api/chats/${left.id}`), 404, "not_found");

    await ben.api("DELETE", `/api/chats/${second.id}/participants/${ann.id}`);
    const { body: third } = await open(ann, ben);
    expect(third.id).not.toBe(second.id);

    await ann.api("DELETE", `/api/chats/${third.id}`);
    const { body: fourth } = await open(ann, ben);
    expect([left.id, second.id, third.id]).not.toContain(fourth.id);
    expect((await open(ben, ann)).body.id).toBe(fourth.id);
  });
});

describe("an empty private chat", () => {
  test("becomes the private chat with whoever is invited into it", async () => {
    const chat = await ann.chat({ is_group: false });
    const invite = await ann.api("POST", `/api/chats/${chat.id}/invite`, {
      username: ben.username,
    });
    expect(invite.status).toBe(200);
    expect((await open(ben, ann)).body.id).toBe(chat.id);
  });

  test("takes somebody with whom there is another private chat, which stays the one that is opened", async () => {
    const { body: first } = await open(ann, ben);
    const empty = await ann.chat({ is_group: false });
    const path = `/api/chats/${empty.id}/invite`;
    expect((await ann.api("POST", path, { username: ben.username })).status).toBe(200);
    expect((await ann.api("POST", path, { username: ben.username })).status).toBe(200);
    for (const answer of [await open(ann, ben), await open(ben, ann)]) {
      expect(answer.body.id).toBe(first.id);
    }
    await ann.api("DELETE", `/api/chats/${first.id}`);
    expect((await open(ben, ann)).body.id).toBe(empty.id);
  });
});

describe("a private chat without a name", () => {
  test("goes by the other's name in every answer and in the frames to each of the two", async () => {
    const [anns, bens] = [await ann.socket(), await ben.socket()];
    const { body: chat } = await open(ann, ben);
    expect(chat).toMatchObject({ name: ben.username, is_named: false });
    await ann.api("PATCH", `/api/chats/${chat.id}`, { settings: { temperature: 1 } });
    const people: [Person, Person, typeof anns][] = [
      [ann, ben, anns],
      [ben, ann, bens],
    ];
    for (const [person, other, socket] of people) {
      expect(await get(person, chat.id)).toMatchObject({ name: other.username, is_named: false });
      expect(await listed(person)).toMatchObject([{ id: chat.id, name: other.username }]);
      expect(await socket.next("chat_created")).toMatchObject({ chat: { name: other.username } });
      const { frames } = await person.joined(chat.id, 0);
      const joined = frames.find(({ type }) => type === "joined");
      expect(joined).toMatchObject({ chat: { name: other.username, updated_seq: 1 } });
    }
    const { body: usage } = await ann.api("GET", "/api/usage");
    expect(usage.chats).toMatchObject([{ chat_id: chat.id, name: ben.username }]);
  });

  test("gets the other's name with an invitation", async () => {
    const chat = await ann.chat({ is_group: false });
    expect(chat).toMatchObject({ name: ann.username, is_named: false });
    const bens = await ben.socket();
    await ann.api("POST", `/api/chats/${chat.id}/invite`, { username: ben.username });
    expect(await bens.next("chat_invite")).toMatchObject({ chat: { name: ann.username } });
    expect((await get(ann, chat.id)).name).toBe(ben.username);
    expect((await get(ben, chat.id)).name).toBe(ann.username);
  });

  test("keeps none when the name under which its owner sees it is saved, and another for both", async () => {
    const { body: chat } = await open(ann, ben);
    const path = `/api/chats/${chat.id}`;
    const same = await ann.api("PATCH", path, { name: ben.username });
    expect(same.body).toEqual(chat);
    expect((await get(ben, chat.id)).name).toBe(ann.username);
    const anns = await ann.joined(chat.id);
    const changed = await ann.api("PATCH", path, {
      name: ben.username,
      settings: { persona: "A" },
    });
    expect(changed.body).toMatchObject({ name: ben.username, is_named: false, updated_seq: 1 });
    expect(await anns.next("chat_updated")).toMatchObject({
      chat: { name: `${ann.username}, ${ben.username}`, is_named: false },
    });
    const renamed = await ann.api("PATCH", path, { name: "The two of us" });
    expect(renamed.body).toMatchObject({ name: "The two of us", is_named: true, updated_seq: 2 });
    for (const person of [ann, ben]) expect(await get(person, chat.id)).toEqual(renamed.body);
  });

  test("has the names of both for the one who stays in it", async () => {
    const { body: chat } = await open(ann, ben);
    await ben.api("POST", `/api/chats/${chat.id}/leave`);
    expect((await get(ann, chat.id)).name).toBe(`${ann.username}, ${ben.username}`);
  });
});

test("a private chat with a name has it for both", async () => {
  const { body: chat } = await open(ann, ben, { name: "Us" });
  expect(chat).toMatchObject({ name: "Us", is_named: true });
  expect(await get(ben, chat.id)).toEqual(chat);
});
