import { beforeAll, expect, test } from "bun:test";
import { useWorld, type Person } from "../world/world.ts";
import { expectInvalid } from "../http/refusals.ts";

const world = useWorld();
let ann: Person;
beforeAll(async () => {
  ann = await world.person("ann");
});

const people = (count: number) => Array.from({ length: count }, () => "ben");

test.each<[detail: string, method: string, path: string, body?: unknown]>([
  ["The input must be an object", "POST", "/api/chats", []],
  ["The input must be an object", "POST", "/api/chats", null],
  ["username: is missing", "POST", "/api/auth/login", { password: "x" }],
  ["username: must be a text", "POST", "/api/auth/login", { username: null, password: "x" }],
  ["username: must have at least 1 character", "POST", "/api/auth/login", { username: "" }],
  ["name: must have at most 100 characters", "POST", "/api/chats", { name: "a".repeat(101) }],
  ["name: must not contain U+0000", "POST", "/api/chats", { name: "\u0000" }],
  ["name: must not contain lone surrogates", "POST", "/api/chats", { name: "\ud800" }],
  ["is_group: must be true or false", "POST", "/api/chats", { is_group: 1 }],
  ["participant_usernames: must be a list", "POST", "/api/chats", { participant_usernames: "ben" }],
  [
    "participant_usernames.1: must be a text",
    "POST",
    "/api/chats",
    { participant_usernames: ["a", 1] },
  ],
  [
    "participant_usernames: must have at most 2,000 items",
    "POST",
    "/api/chats",
    { participant_usernames: people(2_001) },
  ],
  ["owner_id: must be a whole number", "PATCH", "/api/chats/1", { owner_id: 1.5 }],
  ["owner_id: must be more than 0", "PATCH", "/api/chats/1", { owner_id: 0 }],
  [
    "settings.model: must be gemini-2.5-flash",
    "PATCH",
    "/api/chats/1",
    { settings: { model: "gpt" } },
  ],
  [
    "settings.temperature: must be at most 2",
    "PATCH",
    "/api/chats/1",
    { settings: { temperature: 3 } },
  ],
  ["seq: must be a number", "POST", "/api/chats/1/mark-read", { seq: "1" }],
  ["seq: must be at least 0", "POST", "/api/chats/1/mark-read", { seq: -1 }],
  ["chat_id: must be a whole number", "GET", "/api/chats/abc"],
  ["chat_id: must be at least 1", "GET", "/api/chats/0"],
  ["limit: must be at most 200", "GET", "/api/chats/1/messages?limit=201"],
  ["limit: must be given once", "GET", "/api/chats/1/messages?limit=10&limit=20"],
  ["content: must not be blank", "POST", "/api/chats/1/messages", { content: " " }],
])("invalid input is told in plain words: %s", async (detail, method, path, body = undefined) => {
  const answer = await ann.api(method, path, body);
  const errors: { pointer: string }[] = answer.body.errors;
  expectInvalid(answer, ...new Set(errors.map((error) => error.pointer)));
  expect(answer.body.detail).toBe(detail);
});

test("a letter beyond a to z is told as one that may not be there", async () => {
  const input = { username: "josé", email: "josé@example.com", password: "correct horse" };
  const { status, body } = await world.call("POST", "/api/auth/register", input);
  expect(status).toBe(422);
  expect(body.errors).toEqual([
    {
      pointer: "/username",
      detail: "may have letters a to z and A to Z, digits 0 to 9, and _ - . only",
    },
    {
      pointer: "/email",
      detail:
        "must be an email address such as ann@example.com, of the letters a to z without accents",
    },
  ]);
});

test("a frame's empty token is told in characters, as a text is", async () => {
  const socket = await ann.socket();
  const reply = await socket.ask({ type: "auth", token: "" });
  expect(reply).toMatchObject({
    type: "error",
    code: "invalid",
    detail: "token: must have at least 1 character",
  });
});
