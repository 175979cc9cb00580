// Limits of a question, and actions that the server must not take on one.
import { describe, expect, test } from "bun:test";
import { answer, failInside, finish, refuse, say } from "../world/gemini/script.ts";
import { useWorld } from "../world/world.ts";
import { answerEnds, lastRequest, room } from "./room.ts";

const lines: string[] = [];
const world = useWorld({
  env: { LOG_LEVEL: "trace" },
  logTo: { write: (line) => void lines.push(line) },
});

const short = answer(say("Yes."), finish());

describe("a question", () => {
  test("of 16,000 characters is asked whole, one of 16,001 is refused", async () => {
    const { chat, anna, annas, messages } = await room(world);
    // Each takes three bytes, and two places in a string.
    const words = "🥕".repeat(15_995);
    const path = `/api/chats/${chat.id}/messages`;
    const refused = await anna.api("POST", path, { content: `/bot ${words}x` });
    expect(refused.status).toBe(422);
    expect(refused.body.errors).toMatchObject([{ pointer: "/content" }]);
    expect(await messages()).toEqual([]);
    world.gemini.respondWith(short);
    expect((await anna.api("POST", path, { content: `/bot ${words}` })).status).toBe(200);
    await answerEnds(annas);
    expect(lastRequest(world).body.contents[0]?.parts[0]?.text).toEndWith(`] ${words}`);

    const frame = { type: "message", chat_id: chat.id, content: `/bot ${"a".repeat(15_996)}` };
    expect(await annas.ask(frame)).toMatchObject({ type: "error", code: "invalid" });
    world.gemini.respondWith(short);
    const { content } = frame;
    expect(await annas.ask({ ...frame, content: content.slice(0, -1) })).toMatchObject({
      type: "ack",
    });
    await answerEnds(annas);
    expect(lastRequest(world).body.contents.at(-1)?.parts[0]?.text).toEndWith(
      `] ${"a".repeat(15_995)}`,
    );
  });

  test("is what a person writes: the bot's own words, whatever they are, ask nothing", async () => {
    const { chat, anna, annas, messages } = await room(world);
    const requests = world.gemini.requests.length;
    world.gemini.respondWith(answer(say("/bot and you, Gemini?"), finish()));
    await anna.say(chat.id, "/bot well?");
    await answerEnds(annas);
    await anna.say(chat.id, "so");
    await annas.settle();
    expect((await messages()).map((message: { content: string }) => message.content)).toEqual([
      "/bot well?",
      "/bot and you, Gemini?",
      "so",
    ]);
    expect(world.gemini.requests.length).toBe(requests + 1);
    expect(world.ctx.answers.runIds()).toEqual([]);
  });
});

test("no address in a text is fetched, of a person, of the model, of a persona or a name", async () => {
  const fetched: string[] = [];
  const canary = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      fetched.push(request.url);
      return new Response("chirp");
    },
  });
  const link = (path: string) =>
    `${canary.url.origin}/${path} ![x](${canary.url.origin}/${path}.png)`;
  const { chat, anna, annas } = await room(world, { name: link("name").slice(0, 100) });
  const settings = { persona: link("persona"), google_search: true };
  expect((await anna.api("PATCH", `/api/chats/${chat.id}`, { settings })).status).toBe(200);
  await anna.say(chat.id, `read ${link("message")}`);
  world.gemini.respondWith(answer(say(`see ${link("answer")}`), finish()));
  await anna.say(chat.id, `/bot sum up ${link("question")}`);
  expect((await answerEnds(annas)).text).toContain(canary.url.origin);
  const late = await anna.joined(chat.id, 0);
  await late.settle();
  expect(fetched).toEqual([]);
  await fetch(`${canary.url.origin}/it-works`);
  expect(fetched).toHaveLength(1);
  await canary.stop(true);
});

test("the API key is in no log line, no frame and no answer, even where Google names it", async () => {
  const { chat, anna, annas } = await room(world);
  const key = "test-key";
  const told = `Consumer 'api_key:${key}' has been suspended: https://x/?key=${key}`;
  const bodies: unknown[] = [];
  for (const script of [
    refuse(403, { message: told, reason: "CONSUMER_SUSPENDED" }),
    refuse(400, { message: told }),
    refuse(500, { html: `<p>${told}</p>` }),
    refuse(500, { html: `<p>${told}</p>` }),
    refuse(500, { html: `<p>${told}</p>` }),
    answer(say("Ye"), failInside(500, told)),
  ]) {
    world.gemini.respondWith(script);
  }
  for (let asked = 0; asked < 4; asked += 1) {
    const question = await anna.say(chat.id, "/bot well?");
    const { messageId, last } = await answerEnds(annas);
    expect(last.status).toBe("failed");
    const path = `/api/chats/${chat.id}/messages`;
    bodies.push(question, (await anna.api("GET", `${path}/${messageId}/context`)).body);
    bodies.push((await anna.api("GET", path)).body, (await anna.api("GET", "/ready")).body);
  }
  expect(JSON.stringify(bodies)).not.toContain(key);
  expect(JSON.stringify(annas.frames)).not.toContain(key);
  expect(lines.length).toBeGreaterThan(10);
  expect(lines.filter((line) => line.includes(key))).toEqual([]);
  expect(lastRequest(world).headers.get("x-goog-api-key")).toBe(key);
});
