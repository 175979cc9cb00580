// The faults that test/world/contract.ts, which watches all other tests, has to notice.
import { expect, test } from "bun:test";
import { expectClose, expectDescribed, expectFrame } from "./contract.ts";

const user = {
  id: 1,
  username: "ann",
  email: "ann@example.com",
  email_verified: false,
  created_at: "2026-11-22T10:15:30.123Z",
  display_name: null,
  bio: null,
  avatar_url: null,
  is_bot_account: false,
  totp_enabled: false,
  has_password: true,
  read_receipts: true,
  presence: "visible",
};
const problem = (code: string, status: number) => ({
  type: `/problems/${code}`,
  title: "No",
  status,
  detail: "No.",
  instance: "/",
});

function answer(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  const type = status < 400 ? "application/json" : "application/problem+json";
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": type, "x-request-id": "1", ...headers },
  });
}

const me = (response: Response) => expectDescribed("GET", "/api/auth/me", response);

test("an answer as the document has it passes, also to HEAD and with a slash at its end", async () => {
  await me(answer(user));
  await me(answer(problem("invalid_token", 401), 401, { "www-authenticate": "Bearer" }));
  await expectDescribed("GET", "/api/auth/me/", answer(user));
  await expectDescribed("HEAD", "/api/auth/me", answer(""));
  await expectDescribed("GET", "/nowhere", answer(problem("not_found", 404), 404));
  await expectDescribed("GET", "/docs", answer("anything"));
});

test.each<[what: string, check: () => Promise<void>]>([
  ["a status", () => me(answer(problem("conflict", 409), 409))],
  ["a member more", () => me(answer({ ...user, hashed_password: "x" }))],
  ["a member less", () => me(answer({ ...user, email: undefined }))],
  ["a member of another type", () => me(answer({ ...user, id: "1" }))],
  ["a time that is none", () => me(answer({ ...user, created_at: "yesterday" }))],
  ["a header", () => me(answer(user, 200, { "retry-after": "1" }))],
  ["a media type", () => me(answer(user, 200, { "content-type": "text/plain" }))],
  ["a method", () => expectDescribed("PUT", "/api/auth/me", answer(user))],
  ["a path", () => expectDescribed("GET", "/api/auth/you", answer(user))],
])("%s that is not described fails the test that got it", async (_, check) => {
  await expect(check()).rejects.toThrow();
});

test("a frame as the document has it passes", () => {
  expectFrame({ type: "pong" });
  expectFrame({ type: "typing", chat_id: 1, user_id: 2, username: "ben" });
});

test.each<[what: string, frame: { type: string; [member: string]: unknown }]>([
  ["of another type", { type: "poke" }],
  ["with a member more", { type: "pong", mood: "good" }],
  ["with a member less", { type: "typing", chat_id: 1, user_id: 2 }],
  ["that only a client sends", { type: "ping" }],
])("a frame %s fails the test that got it", (_, frame) => {
  expect(() => expectFrame(frame)).toThrow("not one of /asyncapi.json");
});

test("a close frame is one of the table, or none", () => {
  expectClose(1006, "");
  expectClose(1009, "as Bun says it");
  expectClose(1012, "restart: in a moment");
  expect(() => expectClose(1012, "revoked: no")).toThrow();
  expect(() => expectClose(1013, "")).toThrow();
  expect(() => expectClose(4000, "")).toThrow();
});
