import { beforeAll, describe, expect, test } from "bun:test";
import { purgeDeletedChats } from "../../src/chats/purge.ts";
import { useWorld, type Person } from "../world/world.ts";
import { expectInvalid, expectProblem } from "../http/refusals.ts";

const world = useWorld();
let ann: Person;
let ben: Person;
let cat: Person;
beforeAll(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
  cat = await world.person("cat");
});

const change = (person: Person, chatId: number, body: unknown) =>
  person.api("PATCH", `/api/chats/${chatId}`, body);
const get = async (person: Person, chatId: number) =>
  (await person.api("GET", `/api/chats/${chatId}`)).body;

async function rolesIn(chatId: number, reader: Person): Promise<Record<string, string>> {
  const { body } = await reader.api("GET", `/api/chats/${chatId}/participants`);
  const participants: { username: string; role: string }[] = body;
  return Object.fromEntries(participants.map(({ username, role }) => [username, role]));
}

describe("renaming", () => {
  test("answers with the chat as it is now, and takes its next number", async () => {
    const chat = await ann.chat({ with: [ben] });
    await ben.say(chat.id, "one");
    const { status, body } = await change(ann, chat.id, { name: " New name " });
    expect(status).toBe(200);
    expect(body).toEqual({ ...chat, name: "New name", last_seq: 2, updated_seq: 2 });
    expect(await get(ben, chat.id)).toEqual(body);
  });

  test("to the same name, or to nothing, changes nothing and takes no number", async () => {
    const chat = await ann.chat({ name: "Same" });
    for (const body of [{ name: "Same" }, {}, { owner_id: ann.id }, { is_group: false, id: 5 }]) {
      const answer = await change(ann, chat.id, body);
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual(chat);
    }
    expect(await get(ann, chat.id)).toEqual(chat);
  });

  test.each<[what: string, body: unknown, ...pointers: string[]]>([
    ["an empty name", { name: "" }, "/name"],
    ["a blank name", { name: " \n " }, "/name"],
    ["a name of 101 characters", { name: "a".repeat(101) }, "/name"],
    ["a name with U+0000", { name: "\u0000" }, "/name"],
    ["a lone surrogate", { name: "a\ud800" }, "/name"],
    ["a number for a name", { name: 1 }, "/name"],
    ["an owner that is no id", { owner_id: 0 }, "/owner_id"],
    ["a text for an owner", { owner_id: "1" }, "/owner_id"],
    ["a fraction for an owner", { owner_id: 1.5 }, "/owner_id"],
    ["an owner beyond every number", { owner_id: 2 ** 53 }, "/owner_id"],
    ["two faults", { name: "", owner_id: -1 }, "/name", "/owner_id"],
    ["an array", [], ""],
  ])("refuses %s", async (_, body, ...pointers) => {
    const chat = await ann.chat();
    expectInvalid(await change(ann, chat.id, body), ...pointers);
    expect(await get(ann, chat.id)).toEqual(chat);
  });
});

describe("handing over", () => {
  test("makes a participant the owner, in one number with a new name", async () => {
    const chat = await ann.chat({ with: [ben, cat] });
    const { status, body } = await change(ann, chat.id, { owner_id: ben.id, name: "Ben's" });
    expect(status).toBe(200);
    expect(body).toEqual({ ...chat, name: "Ben's", owner_id: ben.id, last_seq: 1, updated_seq: 1 });
    expect(await rolesIn(chat.id, cat)).toEqual({
      [ann.username]: "member",
      [ben.username]: "owner",
      [cat.username]: "member",
    });
    expectProblem(await change(ann, chat.id, { name: "Mine!" }), 403, "forbidden");
    expect((await change(ben, chat.id, { name: "Mine" })).status).toBe(200);
    expectProblem(await ben.api("POST", `/api/chats/${chat.id}/leave`), 409, "owner_cannot_leave");
    expect((await ann.api("POST", `/api/chats/${chat.id}/leave`)).status).toBe(200);
  });

  test("to somebody who is no participant is 422 and changes nothing", async () => {
    const chat = await ann.chat({ with: [ben] });
    for (const owner_id of [cat.id, cat.id + 1_000_000]) {
      expectInvalid(await change(ann, chat.id, { owner_id, name: "Changed" }), "/owner_id");
    }
    expect(await get(ann, chat.id)).toEqual(chat);
  });

  test("to somebody who leaves at that moment never leaves a chat without its owner", async () => {
    for (let i = 0; i < 20; i += 1) {
      const chat = await ann.chat({ with: [ben] });
      const [handed, left] = await Promise.all([
        change(ann, chat.id, { owner_id: ben.id }),
        ben.api("POST", `/api/chats/${chat.id}/leave`),
      ]);
      const now = await get(ann, chat.id);
      const roles = await rolesIn(chat.id, ann);
      expect(now.last_seq).toBe(1);
      if (handed.status === 200) {
        expectProblem(left, 409, "owner_cannot_leave");
        expect(roles).toEqual({ [ann.username]: "member", [ben.username]: "owner" });
      } else {
        expectInvalid(handed, "/owner_id");
        expect(left.status).toBe(200);
        expect(roles).toEqual({ [ann.username]: "owner" });
      }
    }
  });
});

describe("deleting", () => {
  test("ends the chat with all that it holds, for everyone", async () => {
    const chat = await ann.chat({ with: [ben] });
    await ben.say(chat.id, "gone soon");
    const { status, body } = await ann.api("DELETE", `/api/chats/${chat.id}`);
    expect(status).toBe(200);
    expect(body).toEqual({ message: expect.any(String) });
    for (const person of [ann, ben]) {
      expectProblem(await person.api("GET", `/api/chats/${chat.id}`), 404, "not_found");
    }
    expectProblem(await ann.api("DELETE", `/api/chats/${chat.id}`), 404, "not_found");
    await purgeDeletedChats(world.ctx);
    const rows = await world.sql`
      select 1 from messages where chat_id = ${chat.id}
      union all select 1 from chat_participants where chat_id = ${chat.id}
      union all select 1 from chat_changes where chat_id = ${chat.id}
    `;
    expect(rows).toHaveLength(0);
  });
});

test("every durable change takes exactly the next number, and nothing else does", async () => {
  const chat = await ann.chat({ name: "Counted", with: [ben] });
  const path = `/api/chats/${chat.id}`;
  const steps: [what: string, person: Person, method: string, path: string, body: unknown][] = [
    ["message", ann, "POST", "/messages", { content: "one" }],
    ["added", ben, "POST", "/invite", { username: cat.username }],
    ["nothing", ann, "POST", "/invite", { username: cat.username }],
    ["nothing", ann, "POST", "/invite", { username: "nobody_here" }],
    ["message", cat, "POST", "/messages", { content: "two", client_id: "2" }],
    ["nothing", cat, "POST", "/messages", { content: "two", client_id: "2" }],
    ["nothing", cat, "POST", "/messages", { content: "three", client_id: "2" }],
    ["nothing", cat, "POST", "/messages", { content: " " }],
    ["nothing", ben, "POST", "/mark-read", {}],
    ["nothing", ben, "PATCH", "", { name: "Ben's" }],
    ["updated", ann, "PATCH", "", { name: "Renamed" }],
    ["nothing", ann, "PATCH", "", { name: "Renamed" }],
    ["updated", ann, "PATCH", "", { settings: { temperature: 1 } }],
    ["nothing", ann, "PATCH", "", { settings: { temperature: 1.0, persona: " " } }],
    ["nothing", ben, "DELETE", `/participants/${cat.id}`, undefined],
    ["removed", ann, "DELETE", `/participants/${cat.id}`, undefined],
    ["nothing", ann, "DELETE", `/participants/${cat.id}`, undefined],
    ["nothing", ann, "POST", "/leave", undefined],
    ["updated", ann, "PATCH", "", { owner_id: ben.id }],
    ["message", ben, "POST", "/messages", { content: "three" }],
    ["removed", ann, "POST", "/leave", undefined],
    ["nothing", ann, "POST", "/messages", { content: "four" }],
  ];
  let seq = 0;
  let updatedSeq = 0;
  for (const [kind, person, method, rest, body] of steps) {
    const answer = await person.api(method, path + rest, body);
    if (kind !== "nothing") {
      expect(answer.status).toBe(200);
      seq += 1;
      if (kind === "message") expect(answer.body).toMatchObject({ seq, updated_seq: seq });
      else updatedSeq = seq;
    }
    expect(await get(ben, chat.id)).toMatchObject({ last_seq: seq, updated_seq: updatedSeq });
  }
  const taken = await world.sql`
    select seq from messages where chat_id = ${chat.id}
    union all select seq from chat_changes where chat_id = ${chat.id}
    order by seq
  `;
  expect(taken.map((row) => row.seq)).toEqual(Array.from({ length: seq }, (_, i) => i + 1));
});

test("changes that race take one number each", async () => {
  const chat = await ann.chat();
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      i % 2 ? change(ann, chat.id, { name: `Name ${i}` }) : ann.say(chat.id, `text ${i}`),
    ),
  );
  const numbers = answers.map((answer, i) => (i % 2 ? answer.body.updated_seq : answer.seq));
  expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  expect(await get(ann, chat.id)).toMatchObject({ last_seq: 20 });
});
