// Hostile text, wherever text goes: refused, or returned exactly. Where the contract trims, what is left is exact.
import { beforeAll, describe, expect } from "bun:test";
import { answer, bytes, finish, say } from "../../world/gemini/script.ts";
import { answerEnds, lastRequest, room } from "../../answers/room.ts";
import { expectInvalid, expectProblem } from "../../http/refusals.ts";
import { operationsOf } from "../../docs/openapi.ts";
import { describedHttp } from "../../world/contract.ts";
import { bothTest, everyNth, isLong, test } from "../../world/long.ts";
import type { TestSocket } from "../../world/socket.ts";
import { useWorld, type Person } from "../../world/world.ts";
import { hostileTexts, impossibleTexts } from "./hostile-texts.ts";

let ann: Person;
let ben: Person;
let chatId: number;
let annas: TestSocket;
let bens: TestSocket;
let bensNews: TestSocket;
const world = useWorld({ env: { GEMINI_CONTEXT_TOKENS: "0" } });
beforeAll(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
  chatId = (await ann.chat({ with: [ben] })).id;
  annas = await ann.joined(chatId);
  bens = await ben.joined(chatId);
  bensNews = await ben.socket();
});

const classes = Object.entries(hostileTexts);
const unitsOf = (text: string) =>
  Array.from({ length: text.length }, (_, at) => say(text.charAt(at)));
const path = (rest = "") => `/api/chats/${chatId}${rest}`;

describe.each(everyNth(2, classes))("%s", (_, texts) => {
  bothTest(
    "come back exactly in messages: from HTTP, sockets, the history and a replay",
    async () => {
      const { body: chat } = await ann.api("GET", path());
      const expected: string[] = [];
      for (const content of texts) {
        const { status, body } = await ann.api("POST", path("/messages"), { content });
        expect([status, body.content]).toEqual([200, content]);
        const inside = `[${content}]`;
        const client_id = inside.slice(0, 64).toWellFormed();
        const frame = { type: "message", chat_id: chatId, content: inside, client_id };
        expect(await annas.ask(frame)).toMatchObject({ type: "ack" });
        expect(await bens.next("message", { client_id })).toMatchObject({ content: inside });
        expected.push(content, inside);
      }
      const contentsOf = (messages: Record<string, unknown>[]) =>
        messages.map(({ content }) => content);
      const since = ({ seq }: Record<string, unknown>) => Number(seq) > chat.last_seq;
      expect(contentsOf(bens.ofType("message").filter(since))).toEqual(expected);
      const history = await ben.api("GET", path(`/messages?limit=200&after_seq=${chat.last_seq}`));
      expect(contentsOf(history.body)).toEqual(expected);
      const late = await ben.joined(chatId, chat.last_seq);
      expect(contentsOf(late.ofType("message"))).toEqual(expected);
      await late.close();
    },
  );

  bothTest(
    "come back exactly as the names of chats, in notices, news and the chat list",
    async () => {
      const names = texts.map((text) => text.trim());
      for (const name of texts) {
        const made = await ann.chat({ name, with: [ben] });
        const exact = name.trim();
        expect(made.name).toBe(exact);
        const notification = `${ann.username} added you to ${exact}`;
        expect(await bensNews.next("chat_created")).toMatchObject({ chat: made, notification });
        await ann.say(made.id, name);
        expect((await bensNews.next("chat_activity", { chat_id: made.id })).last_message).toBe(
          name,
        );
      }
      const { body: list } = await ben.api("GET", "/api/chats");
      const newest: { name: string; last_message: string }[] = list
        .slice(0, texts.length)
        .reverse();
      expect(newest.map(({ name }) => name)).toEqual(names);
      expect(newest.map(({ last_message }) => last_message)).toEqual([...texts]);
    },
  );

  bothTest("come back exactly as a persona, and reach the model so", async () => {
    const text = texts.join("\n").trim();
    const changed = await ann.api("PATCH", path(), { settings: { persona: text } });
    expect([changed.status, changed.body.settings?.persona]).toEqual([200, text]);
    expect((await bens.next("chat_updated")).chat).toEqual(changed.body);
    world.gemini.respondWith(answer(say("Yes."), finish()));
    await ann.say(chatId, `/bot ${text}`);
    await answerEnds(bens);
    const { body: asked } = lastRequest(world);
    for (const content of [asked.systemInstruction, asked.contents.at(-1)]) {
      expect(content?.parts.map((part) => part.text).join("")).toContain(text);
    }
  });

  bothTest("come back exactly from the model, also in single UTF-16 units", async () => {
    const text = texts.join("\n");
    world.gemini.respondWith(answer(say(text), ...unitsOf(text), finish()));
    await ann.say(chatId, "/bot repeat");
    const shown = await answerEnds(bens);
    expect(shown.text).toBe(text + text);
    for (const { chunk } of shown.chunks) expect(chunk.isWellFormed()).toBe(true);
    const { body } = await ann.api("GET", path("/messages?limit=1"));
    expect(body[0].content).toBe(text + text);
  });

  bothTest("are nobody's name, or found exactly", async () => {
    for (const text of texts) {
      const invited = await ann.api("POST", path("/invite"), { username: text });
      // A name that is too long or blank can't belong to anybody.
      if (invited.status === 422) expectInvalid(invited, "/username");
      else expectProblem(invited, 404, "not_found");
      const input = {
        username: text,
        email: `${text}@example.com`,
        password: "correct horse battery",
      };
      const registered = await world.call("POST", "/api/auth/register", input);
      if (registered.status === 200) {
        expect(registered.body).toMatchObject({ username: text, email: `${text}@example.com` });
      } else expect(registered.status).toBe(422);
    }
  });
});

test("passwords are held against each other exactly, up to their last character", async () => {
  const long = "x".repeat(255);
  const pairs = [
    ["caf\u00e9 caf\u00e9 ", "cafe\u0301 cafe\u0301 "],
    ["password", "password\u200b"],
    ["Password", "password"],
    [" password", "password"],
    [`${long}a`, `${long}b`],
    ["👩‍👩‍👧‍👦👩‍👩‍👧‍👦", "👩‍👩‍👧‍👦👩‍👩‍👧"],
    ["__proto__", "__proto_"],
  ];
  for (const [n, [password, other]] of pairs.entries()) {
    const username = `secretive${n}`;
    const input = { username, email: `${username}@example.com`, password };
    expect((await world.call("POST", "/api/auth/register", input)).status).toBe(200);
    const login = (tried = "") =>
      world.call("POST", "/api/auth/login", { username, password: tried });
    expect([n, (await login(password)).status]).toEqual([n, 200]);
    expect([n, (await login(other)).status]).toEqual([n, 401]);
  }
});

test("client ids are told apart exactly", async () => {
  const alike = ["\u00e9", "e\u0301", "e", "E", "e ", " e", "e\u200b", "ｅ"];
  const ids = new Set<number>();
  for (const clientId of alike) ids.add((await ann.say(chatId, "same", clientId)).id);
  expect(ids.size).toBe(alike.length);
  for (const clientId of alike) expect(ids).toContain((await ann.say(chatId, "same", clientId)).id);
});

describe("what no text may hold", () => {
  let turn = 0;
  /** All texts; in `bun run check` each member has three of them, which are others than those of the member before. */
  const nextImpossible = () =>
    isLong ? impossibleTexts : impossibleTexts.filter((_, n) => n % 3 === turn++ % 3);

  bothTest("is refused in every member of every body that takes text", async () => {
    const document = describedHttp();
    const { id } = await ann.say(chatId, "hello");
    const hook = await ann.api("POST", `/api/chats/${chatId}/hooks`, { name: "Hook" });
    const ids: Record<string, number | string> = {
      secret: hook.body.url.split("/").at(-1),
      chat_id: chatId,
      message_id: id,
      user_id: ann.id,
    };
    for (const [name, { requestBody }] of operationsOf(document)) {
      const reference = String(requestBody?.content["application/json"]?.schema.$ref ?? "");
      const schema = document.components.schemas[reference.split("/").at(-1) ?? ""];
      const texts = Object.entries<{ type?: unknown }>(Object(schema?.properties)).filter(
        ([, { type }]) => [type].flat().includes("string"),
      );
      const [method = "", template = ""] = name.split(" ");
      // Some of these things do not exist: the body is checked before they are looked up.
      const target = template.replaceAll(/\{(\w+)\}/g, (_, id: string) => String(ids[id] ?? 1));
      for (const [member] of texts) {
        for (const text of nextImpossible()) {
          const answered = await ann.api(method, target, { [member]: `correct ${text}` });
          expect([name, member, answered.status]).toEqual([name, member, 422]);
          const pointers = answered.body.errors.map(({ pointer }: { pointer: string }) => pointer);
          expect(pointers).toContain(`/${member}`);
        }
      }
    }
  });

  test("is refused in frames", async () => {
    for (const text of impossibleTexts) {
      for (const more of [{ content: text }, { content: "a", client_id: text }]) {
        const reply = await annas.ask({ type: "message", chat_id: chatId, ...more });
        expect(reply).toMatchObject({ type: "error", code: "invalid" });
      }
    }
  });

  test("is replaced in the model's words, wherever its chunks are split", async () => {
    const { anna, annas, chat } = await room(world);
    for (const text of impossibleTexts) {
      world.gemini.respondWith(answer(say("<"), ...unitsOf(text), say(">"), finish()));
      await anna.say(chat.id, "/bot repeat");
      const exact = `<${text.toWellFormed().replaceAll("\0", "\ufffd")}>`;
      expect((await answerEnds(annas)).text).toBe(exact);
    }
  });
});

describe("numbers that JSON can't carry exactly", () => {
  const beyond = [
    "9007199254740993",
    "9007199254740992",
    "-9007199254740993",
    "1e400",
    "1.5",
    "9".repeat(400),
  ];

  test.each(beyond)(
    "are refused as ids and numbers in bodies, frames, paths and queries: %p",
    async (number) => {
      const send = (method: string, to: string, body: string) =>
        fetch(world.url + to, {
          method,
          headers: { authorization: `Bearer ${ann.token}`, "content-type": "application/json" },
          body,
        });
      expect((await send("PATCH", path(), `{"owner_id":${number}}`)).status).toBe(422);
      expect((await send("POST", path("/mark-read"), `{"seq":${number}}`)).status).toBe(422);
      for (const target of [`/api/chats/${number}`, path(`/messages/${number}/context`)]) {
        expect((await ann.api("GET", target)).status).toBe(422);
      }
      for (const member of ["limit", "before_seq", "after_seq"]) {
        expectInvalid(await ann.api("GET", path(`/messages?${member}=${number}`)), `/${member}`);
      }
      const socket = await ann.socket();
      const frames = [
        `{"type":"join","chat_id":${number},"request_id":1}`,
        `{"type":"join","chat_id":${chatId},"after_seq":${number},"request_id":1}`,
        `{"type":"stop","chat_id":${chatId},"message_id":${number},"request_id":1}`,
      ];
      for (const frame of frames) {
        socket.ws.send(frame);
        expect(await socket.next("error")).toMatchObject({ code: "invalid", request_id: 1 });
      }
      await socket.close();
    },
  );
});

test("a model that answers 10,000 deep fails that answer, and nothing else", async () => {
  const { anna, annas, chat } = await room(world);
  const deep = "[".repeat(10_000) + "]".repeat(10_000);
  const objects = `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`;
  for (const json of [
    deep,
    objects,
    `{"candidates":${deep}}`,
    `{"candidates":[{"content":${objects}}]}`,
  ]) {
    world.gemini.respondWith(answer(say("Begun. "), bytes(`data: ${json}\r\n\r\n`)));
    await anna.say(chat.id, "/bot dig");
    const { last, text } = await answerEnds(annas);
    expect([text, last.status]).toEqual(["Begun. ", "failed"]);
  }
  expect((await world.call("GET", "/health")).status).toBe(200);
});
