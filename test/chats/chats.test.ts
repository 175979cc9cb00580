import { beforeAll, describe, expect } from "bun:test";
import { defaultSettings, useWorld, type Person } from "../world/world.ts";
import { expectInvalid, expectProblem, time } from "../http/refusals.ts";
import { longTest, test } from "../world/long.ts";

const world = useWorld();
let ann: Person;
let ben: Person;
let cat: Person;
beforeAll(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
  cat = await world.person("cat");
});

const chatMembers = [
  "id",
  "name",
  "is_named",
  "owner_id",
  "is_group",
  "is_ai_chat",
  "created_at",
  "last_seq",
  "updated_seq",
  "settings",
  "picture_url",
];

const create = (person: Person, body: unknown) => person.api("POST", "/api/chats", body);

async function usernamesIn(chatId: number, reader = ann): Promise<string[]> {
  const { body } = await reader.api("GET", `/api/chats/${chatId}/participants`);
  return body.map((participant: { username: string }) => participant.username);
}

async function countChats(): Promise<number> {
  const [row] = await world.sql`select count(*)::int as count from chats`;
  return row?.count;
}

/** People who are in the database only. @returns their names */
async function crowd(prefix: string, count: number): Promise<string[]> {
  const rows = await world.sql`
    insert into users (username, email, hashed_password)
    select ${prefix} || n, ${prefix} || n || '@example.com', 'none' from generate_series(1, ${count}::int) n
    returning username
  `;
  return rows.map((row) => row.username);
}

describe("opening a chat", () => {
  test("makes a group of everyone who is named, and answers with exactly a Chat", async () => {
    const { status, body } = await create(ann, {
      name: "Physics",
      is_group: true,
      participant_usernames: [cat.username, ben.username],
    });
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual(chatMembers);
    expect(body).toEqual({
      id: expect.any(Number),
      name: "Physics",
      is_named: true,
      owner_id: ann.id,
      is_group: true,
      is_ai_chat: false,
      created_at: time,
      last_seq: 0,
      updated_seq: 0,
      settings: defaultSettings,
      picture_url: null,
    });
    expect((await usernamesIn(body.id)).toSorted()).toEqual([
      ann.username,
      ben.username,
      cat.username,
    ]);
    const got = await ben.api("GET", `/api/chats/${body.id}`);
    expect(got.status).toBe(200);
    expect(got.body).toEqual(body);
  });

  test("with nothing said makes a private chat of one, named after them", async () => {
    const { status, body } = await create(ann, {});
    expect(status).toBe(200);
    expect(body).toMatchObject({ name: ann.username, is_group: false, is_ai_chat: false });
    expect(await usernamesIn(body.id)).toEqual([ann.username]);
  });

  test("without a name makes a group that is named after its people", async () => {
    for (const name of [undefined, null, "", "   "]) {
      const group = { is_group: true, participant_usernames: [ben.username] };
      const { body } = await create(ann, { name, ...group });
      expect(body.name).toBe(`${ann.username}, ${ben.username}`);
    }
  });

  test("with the model is named after it, and may be alone with it", async () => {
    const { status, body } = await create(ann, { is_ai_chat: true });
    expect(status).toBe(200);
    expect(body).toMatchObject({ name: "Gemini", is_ai_chat: true, is_group: false, last_seq: 1 });
    expect(await usernamesIn(body.id)).toEqual([ann.username]);
  });

  test("counts oneself and whoever is named twice once, in any case", async () => {
    const { status, body } = await create(ann, {
      participant_usernames: [
        ann.username.toUpperCase(),
        ben.username,
        ben.username.toUpperCase(),
        ` ${ben.username} `,
      ],
    });
    expect(status).toBe(200);
    expect(await usernamesIn(body.id)).toEqual([ann.username, ben.username]);
  });

  test("trims its name, and takes one of 100 characters", async () => {
    expect((await create(ann, { name: "  Physics " })).body.name).toBe("Physics");
    const name = "😀".repeat(100);
    expect((await create(ann, { name })).body.name).toBe(name);
  });

  test("ignores members that it doesn't know", async () => {
    const { body } = await create(ann, { name: "Plain", id: 4_711, owner_id: ben.id, last_seq: 9 });
    expect(body).toMatchObject({ owner_id: ann.id, last_seq: 0 });
    expect(body.id).not.toBe(4_711);
    expect(Object.keys(body)).toEqual(chatMembers);
  });

  test("with an unknown person is 404, says who it is, and makes nothing", async () => {
    const before = await countChats();
    const answer = await create(ann, {
      is_group: true,
      participant_usernames: [ben.username, "nobody_here", "jürgen"],
    });
    expectProblem(answer, 404, "not_found");
    expect(answer.body.detail).toContain("nobody_here");
    expect(answer.body.detail).toContain("jürgen");
    expect(answer.body.detail).not.toContain(ben.username);
    expect(await countChats()).toBe(before);
  });

  test("of three that is no group is 409 and makes nothing", async () => {
    const before = await countChats();
    const three = { participant_usernames: [ben.username, cat.username] };
    expectProblem(await create(ann, three), 409, "chat_full");
    expect(await countChats()).toBe(before);
  });

  test("without a token is 401 and makes nothing", async () => {
    const before = await countChats();
    expectProblem(await world.call("POST", "/api/chats", { name: "x" }), 401, "invalid_token");
    expect(await countChats()).toBe(before);
  });

  longTest("holds 2,000 people at most, its owner included", async () => {
    const names = await crowd("many", 2_000);
    const group = { is_group: true, participant_usernames: names };
    expectProblem(await create(ann, group), 409, "chat_full");
    const full = await create(ann, { ...group, participant_usernames: names.slice(1) });
    expect(full.status).toBe(200);
    // The name of so many has an end, too.
    expect(full.body.name).toStartWith(`${ann.username}, many`);
    expect(full.body.name.length).toBeLessThanOrEqual(100);
    expect(await usernamesIn(full.body.id)).toHaveLength(2_000);
    const more = await ann.api("POST", `/api/chats/${full.body.id}/invite`, { username: names[0] });
    expectProblem(more, 409, "chat_full");
  });

  test("is refused to somebody in 1,000 chats, and nobody can put them into one more", async () => {
    const busy = await world.person("busy");
    await world.sql`
      with made as (
        insert into chats (name, owner_id, participant_count)
        select 'chat ' || n, ${busy.id}, 1 from generate_series(1, 1000) n
        returning id
      )
      insert into chat_participants (chat_id, user_id) select id, ${busy.id} from made
    `;
    expect((await busy.api("GET", "/api/chats")).body).toHaveLength(1_000);
    expectProblem(await create(busy, {}), 409, "too_many_chats");
    const invited = { participant_usernames: [busy.username] };
    expectProblem(await create(ann, invited), 409, "too_many_chats");
    const chat = await ann.chat();
    const invitation = { username: busy.username };
    expectProblem(
      await ann.api("POST", `/api/chats/${chat.id}/invite`, invitation),
      409,
      "too_many_chats",
    );
  });

  const names = (...usernames: unknown[]) => ({ participant_usernames: usernames });
  test.each<[what: string, body: unknown, ...pointers: string[]]>([
    ["an array", [], ""],
    ["null", null, ""],
    ["a number for a name", { name: 5 }, "/name"],
    ["a name of 101 characters", { name: "a".repeat(101) }, "/name"],
    ["a name with U+0000", { name: "a\u0000b" }, "/name"],
    ["a name with a lone surrogate", { name: "\ud83d" }, "/name"],
    ["a text for is_group", { is_group: "yes" }, "/is_group"],
    ["a number for is_ai_chat", { is_ai_chat: 1 }, "/is_ai_chat"],
    ["a text for the people", { participant_usernames: "ben" }, "/participant_usernames"],
    ["a number among the people", names("ben", 7), "/participant_usernames/1"],
    ["an empty name among the people", names(""), "/participant_usernames/0"],
    ["U+0000 among the people", names("a\u0000"), "/participant_usernames/0"],
    ["a lone surrogate among the people", names("a", "\udc00"), "/participant_usernames/1"],
    ["2,001 people", names(...Array.from({ length: 2_001 }, () => "b")), "/participant_usernames"],
  ])("refuses %s", async (_, body, ...pointers) => {
    const before = await countChats();
    expectInvalid(await create(ann, body), ...pointers);
    expect(await countChats()).toBe(before);
  });
});
