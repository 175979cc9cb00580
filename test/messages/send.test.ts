import { beforeAll, describe, expect, test } from "bun:test";
import { useWorld, type Person } from "../world/world.ts";
import { expectInvalid, expectProblem, time } from "../http/refusals.ts";

const world = useWorld();
let ann: Person;
let ben: Person;
let chatId: number;
beforeAll(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
  chatId = (await ann.chat({ with: [ben] })).id;
});

const send = (person: Person, chat: number, body: unknown) =>
  person.api("POST", `/api/chats/${chat}/messages`, body);

async function storedIn(chat: number): Promise<string[]> {
  const rows = await world.sql`select content from messages where chat_id = ${chat} order by seq`;
  return rows.map((row) => row.content);
}

describe("sending", () => {
  test("answers 200 with exactly the Message, as history has it and the room sees it", async () => {
    const chat = await ann.chat({ with: [ben] });
    const socket = await ben.joined(chat.id);
    const { status, body } = await send(ann, chat.id, { content: "Hello!" });
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual([
      "id",
      "chat_id",
      "seq",
      "updated_seq",
      "user_id",
      "username",
      "content",
      "is_bot",
      "status",
      "answer_to",
      "client_id",
      "created_at",
      "error",
      "sources",
      "edited_at",
      "deleted_at",
      "reply_to",
      "mentions",
      "reactions",
      "attachments",
    ]);
    expect(body).toEqual({
      id: expect.any(Number),
      chat_id: chat.id,
      seq: 1,
      updated_seq: 1,
      user_id: ann.id,
      username: ann.username,
      content: "Hello!",
      is_bot: false,
      status: "complete",
      answer_to: null,
      client_id: null,
      created_at: time,
      error: null,
      sources: null,
      edited_at: null,
      deleted_at: null,
      reply_to: null,
      mentions: [],
      reactions: [],
      attachments: [],
    });
    const { body: history } = await ben.api("GET", `/api/chats/${chat.id}/messages`);
    expect(history).toEqual([body]);
    expect(Object.keys(history[0])).toEqual(Object.keys(body));
    const frame = await socket.next("message");
    expect(frame).toMatchObject({ message_id: body.id, seq: 1, content: "Hello!" });
    await socket.close();
  });

  test("stores the content as it was sent, with the white space at its ends", async () => {
    const content =
      ' \n\ta\n\n  b\t"c" \\ <b>&amp;</b> 😀 e\u0301 \u202e \u200b ﷽ \u0001\r\n \ufeff';
    const { body } = await send(ann, chatId, { content });
    expect(body.content).toBe(content);
    expect((await storedIn(chatId)).at(-1)).toBe(content);
  });

  test("ignores members that it doesn't know", async () => {
    const { status, body } = await send(ann, chatId, {
      content: "mine",
      id: 4_711,
      seq: 99,
      user_id: ben.id,
      username: "Gemini",
      is_bot: true,
      status: "failed",
      created_at: "1999-01-01T00:00:00.000Z",
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      user_id: ann.id,
      username: ann.username,
      is_bot: false,
      status: "complete",
    });
    expect(body.id).not.toBe(4_711);
    expect(body.seq).not.toBe(99);
    expect(body.created_at).not.toStartWith("1999");
  });

  test.each([
    ["ASCII", "a"],
    ["umlauts", "ü"],
    ["emoji", "😀"],
  ])("takes 16,000 characters of %s and not one more", async (_, character) => {
    const most = character.repeat(16_000);
    const { status, body } = await send(ann, chatId, { content: most });
    expect(status).toBe(200);
    expect(body.content).toBe(most);
    const before = await storedIn(chatId);
    expectInvalid(await send(ann, chatId, { content: most + character }), "/content");
    expect(await storedIn(chatId)).toEqual(before);
  });

  test("counts no white space at the ends of a text that is too long with it, and stores none", async () => {
    const most = "😀".repeat(16_000);
    const input = { content: `\n ${most}\n`, client_id: "pasted" };
    const { status, body } = await send(ann, chatId, input);
    expect([status, body.content]).toEqual([200, most]);
    expect((await send(ann, chatId, input)).body).toEqual(body);
    expectInvalid(await send(ann, chatId, { content: " ".repeat(16_001) }), "/content");
    const path = `/api/chats/${chatId}/messages/${body.id}`;
    const edited = await ann.api("PATCH", path, { content: ` ${"x".repeat(16_000)}` });
    expect([edited.status, edited.body.content]).toEqual([200, "x".repeat(16_000)]);
  });

  test("takes 16,000 characters in their longest spelling", async () => {
    const response = await fetch(`${world.url}/api/chats/${chatId}/messages`, {
      method: "POST",
      headers: { authorization: `Bearer ${ann.token}`, "content-type": "application/json" },
      body: `{"content":"${"\\ud83d\\ude00".repeat(16_000)}"}`,
    });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ content: "😀".repeat(16_000) });
  });

  test.each<[what: string, body: unknown, ...pointers: string[]]>([
    ["nothing", {}, "/content"],
    ["an array", [], ""],
    ["null", null, ""],
    ["null for the content", { content: null }, "/content"],
    ["a number for the content", { content: 5 }, "/content"],
    ["an empty content", { content: "" }, "/content"],
    ["a blank content", { content: " \n\t\u00a0\ufeff" }, "/content"],
    ["U+0000", { content: "a\u0000b" }, "/content"],
    ["a lone high surrogate", { content: "a\ud83d" }, "/content"],
    ["a lone low surrogate", { content: "\ude00a" }, "/content"],
    ["surrogates the wrong way round", { content: "\ude00\ud83d" }, "/content"],
    ["/bot without a question", { content: "/bot  " }, "/content"],
    ["an empty client_id", { content: "a", client_id: "" }, "/client_id"],
    ["a client_id of 65 characters", { content: "a", client_id: "a".repeat(65) }, "/client_id"],
    ["a number for client_id", { content: "a", client_id: 1 }, "/client_id"],
    ["U+0000 in client_id", { content: "a", client_id: "\u0000" }, "/client_id"],
    ["a lone surrogate in client_id", { content: "a", client_id: "\ud800" }, "/client_id"],
    ["two faults", { content: "", client_id: "" }, "/client_id", "/content"],
  ])("refuses %s", async (_, body, ...pointers) => {
    const before = await storedIn(chatId);
    expectInvalid(await send(ann, chatId, body), ...pointers);
    expect(await storedIn(chatId)).toEqual(before);
  });

  test("gives messages that race numbers 1 to n, without a gap", async () => {
    const chat = await ann.chat({ with: [ben] });
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, i) => send(i % 2 ? ann : ben, chat.id, { content: `${i}` })),
    );
    const seqs = answers.map((answer) => answer.body.seq).toSorted((a, b) => a - b);
    expect(seqs).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
  });
});

describe("a client_id", () => {
  test("comes back as it was sent, up to 64 characters", async () => {
    for (const client_id of ["b1c6a2f0-01", " spaces ", "😀".repeat(64)]) {
      const { status, body } = await send(ann, chatId, { content: "mine", client_id });
      expect(status).toBe(200);
      expect(body.client_id).toBe(client_id);
    }
    const { body } = await send(ann, chatId, { content: "none", client_id: null });
    expect(body.client_id).toBeNull();
  });

  test("makes a retry return the first message, however late, and store nothing", async () => {
    const chat = await ann.chat({ with: [ben] });
    const first = await send(ann, chat.id, { content: "once", client_id: "r" });
    await send(ben, chat.id, { content: "between" });
    for (const content of ["once", "once"]) {
      const again = await send(ann, chat.id, { content, client_id: "r" });
      expect(again.status).toBe(200);
      expect(again.body).toEqual(first.body);
    }
    expect(await storedIn(chat.id)).toEqual(["once", "between"]);
    const { body } = await ann.api("GET", `/api/chats/${chat.id}`);
    expect(body.last_seq).toBe(2);
  });

  test("with other content is 409, and stores nothing", async () => {
    const chat = await ann.chat();
    await send(ann, chat.id, { content: "first", client_id: "c" });
    const other = await send(ann, chat.id, { content: "second", client_id: "c" });
    expectProblem(other, 409, "client_id_reused");
    // White space is content, too.
    const spaced = await send(ann, chat.id, { content: "first ", client_id: "c" });
    expectProblem(spaced, 409, "client_id_reused");
    expect(await storedIn(chat.id)).toEqual(["first"]);
  });

  test("is one's own, in one chat", async () => {
    const chat = await ann.chat({ with: [ben] });
    const other = await ann.chat({ with: [ben] });
    const answers = [
      await send(ann, chat.id, { content: "Ann", client_id: "same" }),
      await send(ben, chat.id, { content: "Ben", client_id: "same" }),
      await send(ann, other.id, { content: "Ann elsewhere", client_id: "same" }),
    ];
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200]);
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(3);
  });

  test("makes 50 identical sends that race store one message", async () => {
    const chat = await ann.chat({ with: [ben] });
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => send(ann, chat.id, { content: "me", client_id: "race" })),
    );
    for (const answer of answers) {
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual(answers[0]?.body);
    }
    expect(answers[0]?.body).toMatchObject({ seq: 1, content: "me", client_id: "race" });
    expect(await storedIn(chat.id)).toEqual(["me"]);
  });

  test("makes identical questions to the model that race one question with one answer", async () => {
    const chat = await ann.chat();
    const socket = await ann.joined(chat.id);
    const asked = world.gemini.requests.length;
    const question = { content: "/bot who are you?", client_id: "race" };
    // While another message is being stored, the questions gather, and go together.
    const [, ...answers] = await Promise.all([
      send(ann, chatId, { content: "first" }),
      ...Array.from({ length: 20 }, () => send(ann, chat.id, question)),
    ]);
    for (const answer of answers) expect(answer.body).toEqual(answers[0]?.body);
    await socket.next("bot_stream", { is_complete: true });
    expect(world.gemini.requests.length).toBe(asked + 1);
    const { body: history } = await ann.api("GET", `/api/chats/${chat.id}/messages`);
    expect(history.map((message: { is_bot: boolean }) => message.is_bot)).toEqual([false, true]);
    await socket.close();
  });

  test("with 20 contents that race stores one of them and refuses the rest", async () => {
    const chat = await ann.chat();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        send(ann, chat.id, { content: `text ${i}`, client_id: "race" }),
      ),
    );
    const winners = answers.filter((answer) => answer.status === 200);
    expect(winners).toHaveLength(1);
    for (const answer of answers) {
      if (answer !== winners[0]) expectProblem(answer, 409, "client_id_reused");
    }
    expect(await storedIn(chat.id)).toEqual([winners[0]?.body.content]);
  });

  test("gets nothing for somebody who has left", async () => {
    const chat = await ann.chat({ with: [ben] });
    await send(ben, chat.id, { content: "bye", client_id: "b" });
    await ben.api("POST", `/api/chats/${chat.id}/leave`);
    expectProblem(await send(ben, chat.id, { content: "bye", client_id: "b" }), 404, "not_found");
  });
});
