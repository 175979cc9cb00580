import { beforeAll, describe, expect, test } from "bun:test";
import { useWorld, type Person } from "../world/world.ts";
import { expectInvalid, expectProblem, time } from "../http/refusals.ts";

const world = useWorld();
let ann: Person;
let ben: Person;
let cat: Person;
beforeAll(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
  cat = await world.person("cat");
});

const invite = (person: Person, chatId: number, username: unknown) =>
  person.api("POST", `/api/chats/${chatId}/invite`, { username });
const leave = (person: Person, chatId: number) => person.api("POST", `/api/chats/${chatId}/leave`);
const remove = (person: Person, chatId: number, userId: number) =>
  person.api("DELETE", `/api/chats/${chatId}/participants/${userId}`);
const participants = async (person: Person, chatId: number) =>
  (await person.api("GET", `/api/chats/${chatId}/participants`)).body;
const numbers = async (person: Person, chatId: number) => {
  const { body } = await person.api("GET", `/api/chats/${chatId}`);
  return { last_seq: body.last_seq, updated_seq: body.updated_seq };
};

describe("the list of participants", () => {
  test("has everyone with their role, in the order of their coming, and no email", async () => {
    const chat = await ann.chat({ with: [cat] });
    await invite(cat, chat.id, ben.username);
    const list = await participants(ben, chat.id);
    for (const participant of list) {
      expect(Object.keys(participant)).toEqual([
        "id",
        "username",
        "role",
        "joined_at",
        "created_at",
        "display_name",
        "avatar_url",
        "is_bot_account",
      ]);
    }
    const rest = {
      joined_at: time,
      created_at: time,
      display_name: null,
      avatar_url: null,
      is_bot_account: false,
    };
    expect(list).toEqual([
      { id: ann.id, username: ann.username, role: "owner", ...rest },
      { id: cat.id, username: cat.username, role: "member", ...rest },
      { id: ben.id, username: ben.username, role: "member", ...rest },
    ]);
    const { body: me } = await ben.api("GET", "/api/auth/me");
    expect(list[2].created_at).toBe(me.created_at);
    expect(list[0].joined_at).toBe(chat.created_at);
  });
});

describe("inviting", () => {
  test("lets a participant in, and takes the chat's next number", async () => {
    const chat = await ann.chat();
    await ann.say(chat.id, "one");
    const { status, body } = await invite(ann, chat.id, ben.username.toUpperCase());
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual(["message", "participant"]);
    expect(body.message).toContain(ben.username);
    expect(body.participant).toEqual({
      id: ben.id,
      username: ben.username,
      role: "member",
      joined_at: time,
      created_at: time,
      display_name: null,
      avatar_url: null,
      is_bot_account: false,
    });
    expect(await participants(ben, chat.id)).toContainEqual(body.participant);
    expect(await numbers(ben, chat.id)).toEqual({ last_seq: 2, updated_seq: 2 });
    expect((await ben.say(chat.id, "hello")).seq).toBe(3);
  });

  test("is for members, too", async () => {
    const chat = await ann.chat({ with: [ben] });
    expect((await invite(ben, chat.id, cat.username)).status).toBe(200);
  });

  test("somebody who is there is a success that changes nothing", async () => {
    const chat = await ann.chat();
    const first = await invite(ann, chat.id, ben.username);
    for (const [inviter, guest] of [
      [ann, ben],
      [ben, ben],
      [ben, ann],
    ] as const) {
      const again = await invite(inviter, chat.id, guest.username);
      expect(again.status).toBe(200);
      expect(again.body.participant.id).toBe(guest.id);
      if (guest === ben) expect(again.body.participant).toEqual(first.body.participant);
    }
    expect(await numbers(ann, chat.id)).toEqual({ last_seq: 1, updated_seq: 1 });
    expect(await participants(ann, chat.id)).toHaveLength(2);
  });

  test("somebody who is there is a success in a full private chat, too", async () => {
    const chat = await ann.chat({ is_group: false, with: [ben] });
    expect((await invite(ann, chat.id, ben.username)).status).toBe(200);
    expect(await numbers(ann, chat.id)).toEqual({ last_seq: 0, updated_seq: 0 });
  });

  test("an unknown name is 404, as is a name that nobody can have", async () => {
    const chat = await ann.chat();
    for (const username of ["nobody_here", "jürgen", "%", "a".repeat(256)]) {
      expectProblem(await invite(ann, chat.id, username), 404, "not_found");
    }
    expect(await numbers(ann, chat.id)).toEqual({ last_seq: 0, updated_seq: 0 });
  });

  test("a third person into a private chat is 409", async () => {
    const chat = await ann.chat({ is_group: false });
    expect((await invite(ann, chat.id, ben.username)).status).toBe(200);
    expectProblem(await invite(ann, chat.id, cat.username), 409, "chat_full");
    expectProblem(await cat.api("GET", `/api/chats/${chat.id}`), 404, "not_found");
    expect(await numbers(ann, chat.id)).toEqual({ last_seq: 1, updated_seq: 1 });
  });

  test("has one winner when eight people race into a private chat", async () => {
    const guests = await Promise.all(Array.from({ length: 8 }, () => world.person("guest")));
    const chat = await ann.chat({ is_group: false });
    const answers = await Promise.all(guests.map((guest) => invite(ann, chat.id, guest.username)));
    const winners = answers.filter((answer) => answer.status === 200);
    expect(winners).toHaveLength(1);
    for (const answer of answers) {
      if (answer !== winners[0]) expectProblem(answer, 409, "chat_full");
    }
    const there = await participants(ann, chat.id);
    expect(there.map(({ id }: { id: number }) => id)).toEqual([
      ann.id,
      winners[0]?.body.participant.id,
    ]);
    expect(await numbers(ann, chat.id)).toEqual({ last_seq: 1, updated_seq: 1 });
  });

  test("one person ten times at once succeeds ten times and takes one number", async () => {
    const chat = await ann.chat();
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => invite(ann, chat.id, ben.username)),
    );
    for (const answer of answers) {
      expect(answer.status).toBe(200);
      expect(answer.body.participant).toMatchObject({ id: ben.id, role: "member" });
    }
    expect(await numbers(ann, chat.id)).toEqual({ last_seq: 1, updated_seq: 1 });
    expect(await participants(ann, chat.id)).toHaveLength(2);
  });

  test.each<[what: string, username: unknown]>([
    ["nobody", undefined],
    ["null", null],
    ["a number", 1],
    ["a blank name", "  "],
    ["U+0000", "a\u0000b"],
    ["a lone surrogate", "\ud800"],
    ["a name of 257 characters", "a".repeat(257)],
  ])("refuses %s", async (_, username) => {
    const chat = await ann.chat();
    expectInvalid(await invite(ann, chat.id, username), "/username");
  });
});

describe("leaving", () => {
  test("takes the chat's next number, and the chat away from who left", async () => {
    const chat = await ann.chat({ with: [ben] });
    await ben.say(chat.id, "bye");
    const { status, body } = await leave(ben, chat.id);
    expect(status).toBe(200);
    expect(body).toEqual({ message: expect.any(String) });
    expect(await numbers(ann, chat.id)).toEqual({ last_seq: 2, updated_seq: 2 });
    expect(await participants(ann, chat.id)).toHaveLength(1);
    expectProblem(await leave(ben, chat.id), 404, "not_found");
    const { body: history } = await ann.api("GET", `/api/chats/${chat.id}/messages`);
    expect(history).toMatchObject([{ username: ben.username, content: "bye" }]);
  });

  test("is 409 for the owner, alone in the chat or not", async () => {
    for (const others of [[], [ben]]) {
      const chat = await ann.chat({ with: others });
      expectProblem(await leave(ann, chat.id), 409, "owner_cannot_leave");
      expect(await numbers(ann, chat.id)).toEqual({ last_seq: 0, updated_seq: 0 });
    }
  });

  test("leaves a place in a private chat, also for who left", async () => {
    const chat = await ann.chat({ is_group: false, with: [ben] });
    await leave(ben, chat.id);
    expect((await invite(ann, chat.id, cat.username)).status).toBe(200);
    await leave(cat, chat.id);
    expect((await invite(ann, chat.id, ben.username)).status).toBe(200);
    expect(await numbers(ben, chat.id)).toEqual({ last_seq: 4, updated_seq: 4 });
  });
});

describe("removing", () => {
  test("takes the chat's next number, and the chat away from who was removed", async () => {
    const chat = await ann.chat({ with: [ben, cat] });
    const { status, body } = await remove(ann, chat.id, ben.id);
    expect(status).toBe(200);
    expect(body).toEqual({ message: expect.any(String) });
    expectProblem(await ben.api("GET", `/api/chats/${chat.id}`), 404, "not_found");
    expect(await participants(cat, chat.id)).toHaveLength(2);
    expect(await numbers(cat, chat.id)).toEqual({ last_seq: 1, updated_seq: 1 });
  });

  test("is for the owner only, whoever is meant", async () => {
    const chat = await ann.chat({ with: [ben, cat] });
    for (const target of [cat.id, ben.id, ann.id, 1_000_000]) {
      expectProblem(await remove(ben, chat.id, target), 403, "forbidden");
    }
    expect(await participants(ann, chat.id)).toHaveLength(3);
  });

  test("the owner is 409", async () => {
    const chat = await ann.chat({ with: [ben] });
    expectProblem(await remove(ann, chat.id, ann.id), 409, "owner_cannot_leave");
  });

  test("somebody who is not in the chat is 404", async () => {
    const chat = await ann.chat();
    for (const target of [ben.id, 1_000_000]) {
      expectProblem(await remove(ann, chat.id, target), 404, "not_found");
    }
    expect(await numbers(ann, chat.id)).toEqual({ last_seq: 0, updated_seq: 0 });
  });

  test("somebody who leaves at that moment takes one number", async () => {
    for (let i = 0; i < 10; i += 1) {
      const chat = await ann.chat({ with: [ben] });
      const answers = await Promise.all([remove(ann, chat.id, ben.id), leave(ben, chat.id)]);
      expect(answers.map((answer) => answer.status).toSorted()).toEqual([200, 404]);
      expect(await numbers(ann, chat.id)).toEqual({ last_seq: 1, updated_seq: 1 });
    }
  });
});
