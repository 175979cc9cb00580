// How often one may send and connect: over a socket a refusal is an `error` frame or a close, since a page can't read the
// status of a handshake that failed.
import { afterEach, expect, setSystemTime, test } from "bun:test";
import { rates } from "../../src/rate-limits/limits.ts";
import { TestSocket } from "../world/socket.ts";
import { useWorld } from "../world/world.ts";

const { connects, edits, sends } = rates;

const world = useWorld({ env: { RATE_LIMITS: "memory", TRUSTED_PROXIES: "127.0.0.1" } });
afterEach(() => void setSystemTime());

const from = (address: string, query = "") =>
  new TestSocket(world.socketUrl(query), { "x-forwarded-for": address });

test("messages of a person that come too fast are refused, from any socket and over HTTP, until the window ends", async () => {
  const [ann, ben] = [await world.person("ann"), await world.person("ben")];
  const chat = await ann.chat({ with: [ben] });
  const path = `/api/chats/${chat.id}/messages`;
  const [first, second] = [await ann.joined(chat.id), await ann.socket()];
  const bens = await ben.joined(chat.id);
  const message = (content: string) => ({ type: "message", chat_id: chat.id, content });
  await world.ctx.rateLimits.take("sends", { userId: ann.id }, sends.person.quota - 2);

  expect(await first.ask(message("one"))).toMatchObject({ type: "ack", seq: 1 });
  const sent = await ann.api("POST", path, { content: "two" });
  expect(sent.status).toBe(200);
  expect(sent.headers.get("ratelimit")).toContain('"sends-person";r=0;');
  expect(sent.headers.get("ratelimit-policy")).toContain(
    `"sends-person";q=${sends.person.quota};w=${sends.person.windowSeconds}`,
  );

  const refused = await second.ask(message("three"));
  expect(refused).toEqual({
    type: "error",
    request_id: expect.any(String),
    chat_id: chat.id,
    code: "rate_limited",
    detail: expect.stringContaining("too fast"),
    retry_after: expect.any(Number),
  });
  const seconds = Number(refused.retry_after);
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThanOrEqual(sends.person.windowSeconds);
  expect((await ann.api("POST", path, { content: "three" })).status).toBe(429);
  // Whatever is no message goes on.
  expect(await second.ask({ type: "typing", chat_id: chat.id })).toMatchObject({ type: "ack" });
  expect(await bens.ask(message("ben's"))).toMatchObject({ type: "ack", seq: 3 });

  setSystemTime(Date.now() + seconds * 1000);
  expect(await second.ask(message("four"))).toMatchObject({ type: "ack", seq: 4 });
  const { body } = await ben.api("GET", path);
  const contents = body.map((each: { content: string }) => each.content);
  expect(contents).toEqual(["one", "two", "ben's", "four"]);
});

test("reactions of a person that come too fast are refused, over HTTP and by frames, and messages are not", async () => {
  const ann = await world.person("ann");
  const chat = await ann.chat();
  const { id } = await ann.say(chat.id, "one");
  const socket = await ann.socket();
  const path = `/api/chats/${chat.id}/messages/${id}/reactions/${encodeURIComponent("👍")}`;
  const react = { type: "react", chat_id: chat.id, message_id: id, emoji: "🎉", on: true };
  const { reactions } = rates;
  await world.ctx.rateLimits.take("reactions", { userId: ann.id }, reactions.person.quota - 2);
  expect((await ann.api("PUT", path)).status).toBe(200);
  expect(await socket.ask(react)).toMatchObject({ type: "ack" });
  expect((await ann.api("DELETE", path)).status).toBe(429);
  expect(await socket.ask({ ...react, on: false })).toMatchObject({ code: "rate_limited" });
  expect((await ann.say(chat.id, "two")).seq).toBe(4);
});

test("edits and deletions of a person that come too fast are refused, and messages are not", async () => {
  const ann = await world.person("ann");
  const chat = await ann.chat();
  const { id } = await ann.say(chat.id, "one");
  const path = `/api/chats/${chat.id}/messages/${id}`;
  const socket = await ann.socket();
  await world.ctx.rateLimits.take("edits", { userId: ann.id }, edits.person.quota - 2);
  expect((await ann.api("PATCH", path, { content: "two" })).status).toBe(200);
  const frame = { chat_id: chat.id, message_id: id };
  expect(await socket.ask({ type: "edit", ...frame, content: "3" })).toMatchObject({ type: "ack" });
  const refused = await socket.ask({ type: "edit", ...frame, content: "four" });
  expect(refused).toMatchObject({ code: "rate_limited", retry_after: expect.any(Number) });
  expect(await socket.ask({ type: "delete", ...frame })).toMatchObject({ code: "rate_limited" });
  expect((await ann.api("PATCH", path, { content: "four" })).status).toBe(429);
  expect((await ann.api("DELETE", path)).status).toBe(429);
  expect((await ann.api("GET", path)).body).toMatchObject({ content: "3", deleted_at: null });
  expect(await ann.say(chat.id, "five")).toMatchObject({ content: "five" });
});

test("messages from an address that come too fast are refused to all behind it", async () => {
  const ann = await world.person("ann");
  const chat = await ann.chat();
  await world.ctx.rateLimits.take("sends", { network: "203.0.113.1" }, sends.address.quota);
  const message = { type: "message", chat_id: chat.id, content: "Hello!" };
  const [there, elsewhere] = [from("203.0.113.1", `?token=${ann.token}`), await ann.socket()];
  await there.opened;
  expect(await there.ask(message)).toMatchObject({ code: "rate_limited" });
  expect(await elsewhere.ask(message)).toMatchObject({ type: "ack" });
});

test("a person who connects too often is closed with 1013 rate_limited, however the token comes, and lives on elsewhere", async () => {
  const [ann, ben] = [await world.person("ann"), await world.person("ben")];
  const open = await ann.socket();
  await world.ctx.rateLimits.take("connects", { userId: ann.id }, connects.person.quota - 1);
  const byQuery = await from("203.0.113.2", `?token=${ann.token}`).closed;
  expect(byQuery.code).toBe(1013);
  expect(byQuery.reason).toMatch(/^rate_limited: .* Try again in \d+ seconds\.$/);
  const byFrame = from("203.0.113.2");
  await byFrame.opened;
  byFrame.send({ type: "auth", token: ann.token });
  expect(await byFrame.closed).toMatchObject({ code: 1013 });
  await open.settle();
  // A session that is renewed is no other socket.
  expect(await open.ask({ type: "auth", token: ann.token })).toMatchObject({ type: "ack" });
  await (await ben.socket()).settle();
  setSystemTime(Date.now() + connects.person.windowSeconds * 1000);
  await (await ann.socket()).settle();
});

test("an address that connects too often is closed with 1013 rate_limited before its token is looked at", async () => {
  const ann = await world.person("ann");
  await world.ctx.rateLimits.take("connects", { network: "203.0.113.3" }, connects.address.quota);
  const { body } = await ann.api("POST", "/api/auth/ws-ticket");
  for (const query of ["", `?token=${ann.token}`, `?token=${body.ticket}`, "?token=x"]) {
    const { code, reason } = await from("203.0.113.3", query).closed;
    expect([code, reason.split(":")[0]]).toEqual([1013, "rate_limited"]);
  }
  // The ticket is still good.
  const elsewhere = from("203.0.113.4", `?token=${body.ticket}`);
  await elsewhere.opened;
  await elsewhere.settle();
});
