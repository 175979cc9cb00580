// How the model is to answer in a chat: set by its owner, seen by everyone in it.
import { beforeAll, describe, expect, test } from "bun:test";
import type { RunningServer } from "../../src/server.ts";
import { personaMax, type Chat } from "../../src/wire/chats.ts";
import { defaultSettings, useWorld, type Person } from "../world/world.ts";
import { expectInvalid, expectProblem } from "../http/refusals.ts";

const models = ["gemini-2.5-flash", "gemini-2.5-pro", "models/tuned_1"];

let ann: Person;
let ben: Person;
let cat: Person;
const world = useWorld({ env: { GEMINI_MODELS: models.slice(1).join(",") } });
beforeAll(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
  cat = await world.person("cat");
});

const set = (person: Person, chatId: number, settings: unknown) =>
  person.api("PATCH", `/api/chats/${chatId}`, { settings });
const get = async (person: Person, chatId: number): Promise<Chat> =>
  (await person.api("GET", `/api/chats/${chatId}`)).body;

describe("the settings of a chat", () => {
  test("are the server's choice at first, and everyone in it sees what the owner sets", async () => {
    const chat = await ann.chat({ with: [ben] });
    expect(chat.settings).toEqual(defaultSettings);
    const settings = {
      model: "gemini-2.5-pro",
      persona: "A patient teacher.\nShort sentences. 😀",
      temperature: 0.35,
      thinking_budget: 1_024,
      google_search: true,
    };
    const { status, body } = await set(ann, chat.id, settings);
    expect(status).toBe(200);
    expect(body).toEqual({ ...chat, settings, last_seq: 1, updated_seq: 1 });
    expect(await get(ben, chat.id)).toEqual(body);
    const { body: list } = await ben.api("GET", "/api/chats");
    expect(list.find(({ id }: Chat) => id === chat.id)).toMatchObject({ settings });
    const { body: invited } = await ann.api("POST", `/api/chats/${chat.id}/invite`, {
      username: cat.username,
    });
    expect(invited.participant.id).toBe(cat.id);
    expect((await get(cat, chat.id)).settings).toEqual(settings);
  });

  test("change one by one: who is not named stays, and null is the server's choice again", async () => {
    const chat = await ann.chat();
    let expected: Record<string, unknown> = defaultSettings;
    for (const [change, kept] of [
      [{ temperature: 2 }],
      [{ persona: "A pirate" }],
      [{ google_search: true }],
      [{ model: "models/tuned_1", thinking_budget: -1 }],
      [{ temperature: null }],
      [
        { persona: null, google_search: null },
        { persona: null, google_search: false },
      ],
      [{ model: null, thinking_budget: null }],
    ]) {
      const { body } = await set(ann, chat.id, change);
      expected = { ...expected, ...(kept ?? change) };
      expect(body.settings).toEqual(expected);
    }
    expect(await get(ann, chat.id)).toEqual({ ...chat, last_seq: 7, updated_seq: 7 });
  });

  test("may be all that there may be", async () => {
    const chat = await ann.chat();
    for (const [given, kept] of [
      [{ temperature: 0, thinking_budget: 0 }],
      [{ temperature: 2, thinking_budget: 32_768 }],
      [{ persona: "😀".repeat(personaMax) }],
      [{ persona: "  A poet \n" }, { persona: "A poet" }],
      [{ persona: " \n\t " }, { persona: null }],
      ...models.map((model) => [{ model }]),
    ]) {
      const { status, body } = await set(ann, chat.id, given);
      expect(status).toBe(200);
      expect(body.settings).toMatchObject(kept ?? given ?? {});
    }
  });

  test("that are so already change nothing, and take no number", async () => {
    const chat = await ann.chat();
    const settings = { temperature: 1, persona: "A pirate" };
    const { body: changed } = await set(ann, chat.id, settings);
    for (const same of [
      {},
      settings,
      { temperature: 1.0 },
      { persona: " A pirate " },
      { google_search: null, model: null },
      { language: "Klingon", last_seq: 9 },
    ]) {
      const { status, body } = await set(ann, chat.id, same);
      expect(status).toBe(200);
      expect(body).toEqual(changed);
    }
    const [row] = await world.sql`select settings from chats where id = ${chat.id}`;
    expect(row?.settings).toEqual({ ...defaultSettings, ...settings });
  });

  test("take one number together with a new name and a new owner", async () => {
    const chat = await ann.chat({ with: [ben] });
    const change = { name: "Pirates", owner_id: ben.id, settings: { persona: "A pirate" } };
    const { body } = await ann.api("PATCH", `/api/chats/${chat.id}`, change);
    expect(body).toEqual({
      ...chat,
      ...change,
      settings: { ...defaultSettings, ...change.settings },
      last_seq: 1,
      updated_seq: 1,
    });
  });

  test("are what somebody who was away is told on joining", async () => {
    const chat = await ann.chat({ with: [ben] });
    await set(ann, chat.id, { persona: "A pirate" });
    const bens = await ben.socket();
    bens.send({ type: "join", chat_id: chat.id, after_seq: 0 });
    expect(await bens.next("joined")).toMatchObject({
      recovered: true,
      chat: { settings: { ...defaultSettings, persona: "A pirate" } },
    });
  });

  test("with a model that may no longer be chosen can be read and changed", async () => {
    const chat = await ann.chat();
    await world.sql`
      update chats set settings = settings || '{"model": "gemini-1.0"}' where id = ${chat.id}
    `;
    expect((await get(ann, chat.id)).settings.model).toBe("gemini-1.0");
    const { body } = await set(ann, chat.id, { temperature: 1 });
    expect(body.settings).toEqual({ ...defaultSettings, model: "gemini-1.0", temperature: 1 });
    expectInvalid(await set(ann, chat.id, { model: "gemini-1.0" }), "/settings/model");
  });
});

describe("a change of settings is refused", () => {
  test("to a member with 403, to a stranger with 404, without a token with 401, and changes nothing", async () => {
    const chat = await ann.chat({ with: [ben] });
    const settings = { persona: "Mine" };
    const refused = await set(ben, chat.id, settings);
    expectProblem(refused, 403, "forbidden");
    expectProblem(await set(cat, chat.id, settings), 404, "not_found");
    const path = `/api/chats/${chat.id}`;
    expectProblem(await world.call("PATCH", path, { settings }), 401, "invalid_token");
    expect(await get(ann, chat.id)).toEqual(chat);
  });

  test("for a model that may not be chosen, and says which ones may", async () => {
    const chat = await ann.chat();
    for (const model of ["gpt-5", "", "GEMINI-2.5-PRO", "gemini-2.5-pro ", "a\u0000", "\ud800"]) {
      const refused = await set(ann, chat.id, { model, persona: "Lost" });
      expectInvalid(refused, "/settings/model");
      for (const allowed of models) expect(refused.body.detail).toContain(allowed);
    }
    expect(await get(ann, chat.id)).toEqual(chat);
  });

  test.each<[what: string, settings: unknown, ...pointers: string[]]>([
    ["no object", "loud", "/settings"],
    ["null", null, "/settings"],
    ["a list", [], "/settings"],
    ["a number for a model", { model: 1 }, "/settings/model"],
    ["a persona of 4,001 characters", { persona: "a".repeat(4_001) }, "/settings/persona"],
    ["a persona with U+0000", { persona: "a\u0000b" }, "/settings/persona"],
    ["a persona with a lone surrogate", { persona: "a\udc00" }, "/settings/persona"],
    ["a list for a persona", { persona: ["a"] }, "/settings/persona"],
    ["a temperature below 0", { temperature: -0.1 }, "/settings/temperature"],
    ["a temperature above 2", { temperature: 2.01 }, "/settings/temperature"],
    ["a text for a temperature", { temperature: "1" }, "/settings/temperature"],
    ["a budget of -2", { thinking_budget: -2 }, "/settings/thinking_budget"],
    ["a budget of 32,769", { thinking_budget: 32_769 }, "/settings/thinking_budget"],
    ["half a token", { thinking_budget: 0.5 }, "/settings/thinking_budget"],
    ["a number for google_search", { google_search: 1 }, "/settings/google_search"],
    [
      "two faults",
      { temperature: 3, google_search: "yes", persona: "Lost" },
      "/settings/temperature",
      "/settings/google_search",
    ],
  ])("for %s", async (_, settings, ...pointers) => {
    const chat = await ann.chat();
    const refused = await ann.api("PATCH", `/api/chats/${chat.id}`, { settings, name: "Lost" });
    expectInvalid(refused, ...pointers);
    expect(await get(ann, chat.id)).toEqual(chat);
  });
});

describe("changes of settings that race", () => {
  let other: RunningServer;
  beforeAll(() => void (other = world.startAnother()));

  async function setElsewhere(person: Person, chatId: number, settings: unknown) {
    const response = await fetch(`${other.url}/api/chats/${chatId}`, {
      method: "PATCH",
      headers: { "content-type": "application/json", authorization: `Bearer ${person.token}` },
      body: JSON.stringify({ settings }),
    });
    return { status: response.status };
  }

  test("on two servers take one number each, and lose nothing of each other", async () => {
    const chat = await ann.chat();
    const answers = await world.whileLocked(chat.id, 2, () =>
      Promise.all([
        set(ann, chat.id, { persona: "A pirate" }),
        setElsewhere(ann, chat.id, { temperature: 1.5 }),
      ]),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(await get(ann, chat.id)).toEqual({
      ...chat,
      settings: { ...defaultSettings, persona: "A pirate", temperature: 1.5 },
      last_seq: 2,
      updated_seq: 2,
    });
  });

  test("and are the same take one number", async () => {
    const chat = await ann.chat();
    const settings = { persona: "A pirate" };
    await world.whileLocked(chat.id, 2, () =>
      Promise.all([set(ann, chat.id, settings), setElsewhere(ann, chat.id, settings)]),
    );
    expect(await get(ann, chat.id)).toMatchObject({ settings, last_seq: 1, updated_seq: 1 });
  });

  test("with the chat's being handed over are refused, and change nothing", async () => {
    const chat = await ann.chat({ with: [ben] });
    const refused = await world.whileLocked(
      chat.id,
      1,
      () => set(ann, chat.id, { persona: "Too late" }),
      (sql) => sql`update chats set owner_id = ${ben.id} where id = ${chat.id}`,
    );
    expectProblem(refused, 403, "forbidden");
    expect(await get(ann, chat.id)).toEqual({ ...chat, owner_id: ben.id });
  });

  test("and were made on another server reach who listens here, in the order of their numbers", async () => {
    const chat = await ann.chat();
    const socket = await ann.joined(chat.id);
    await setElsewhere(ann, chat.id, { persona: "A pirate" });
    await ann.say(chat.id, "Ahoy");
    expect(await socket.next("chat_updated")).toMatchObject({
      updated_seq: 1,
      chat: { settings: { persona: "A pirate" } },
    });
    expect(await socket.next("message")).toMatchObject({ seq: 2, content: "Ahoy" });
  });
});

describe("the models that may be chosen", () => {
  test("are told to whoever is signed in, with the default among them", async () => {
    const { status, body } = await cat.api("GET", "/api/models");
    expect(status).toBe(200);
    expect(body).toEqual({ default: "gemini-2.5-flash", models });
  });

  test("are nobody else's to know", async () => {
    expectProblem(await world.call("GET", "/api/models"), 401, "invalid_token");
  });
});
