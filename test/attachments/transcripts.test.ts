// Transcripts of voice messages: how they come, what they cost, and when there is none.
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { indexFaults } from "../search/compare-index.ts";
import { answer, blockPrompt, finish, refuse, say, until } from "../world/gemini/script.ts";
import { startWorld, useWorld, type Person } from "../world/world.ts";
import { uploaded } from "./files.ts";
import { makeWav } from "./made-recordings.ts";

const day = 1_000_000;
const world = useWorld({
  // The tests run the jobs.
  durations: { jobPollMs: 600_000 },
  env: { BUDGET_TOKENS_PER_USER_DAY: String(day) },
});
let ann: Person;
let ben: Person;
let chatId: number;
beforeAll(async () => {
  [ann, ben] = [await world.person("ann"), await world.person("ben")];
  chatId = (await ann.chat({ with: [ben] })).id;
});

// A test that fails leaves nothing to the next one.
afterEach(async () => {
  world.gemini.forgetScripts();
  await world.sql`delete from jobs`;
});

let pitch = 300;
/** A voice message that no other has the bytes of. */
async function speak(who = ann, { seconds = 0.5, content = "" } = {}) {
  const wav = makeWav({ seconds, sound: (second) => Math.sin(second * (pitch += 1e-4)) });
  pitch += 1;
  const file = await uploaded(world, who, chatId, wav, {
    kind: "voice",
    name: "Voice message.wav",
  });
  const message = { content, attachment_ids: [file.id] };
  const sent = await who.api("POST", `/api/chats/${chatId}/messages`, message);
  expect(sent.status).toBe(200);
  return sent.body;
}

const run = () => world.jobs.idle();
const stateOf = async ({ id }: { id: number }) =>
  (await ann.api("GET", `/api/chats/${chatId}/messages/${id}`)).body;
const transcriptOf = async (message: { id: number }) =>
  (await stateOf(message)).attachments[0].transcript;
const waiting = () =>
  world.sql`select attempts, due_at > now() as is_later from jobs where kind = 'transcript' and dead_at is null`;
const due = () => world.sql`update jobs set due_at = now() where kind = 'transcript'`;

describe("a transcript", () => {
  test("comes as a change of the message, with the chat's next number, also to those who catch up", async () => {
    world.gemini.respondWith(answer(say("Meet me at the "), say("harbour."), finish()));
    const message = await speak();
    const socket = await ben.joined(chatId);
    await run();
    const frame = await socket.next("message_updated");
    expect(frame).toMatchObject({
      message_id: message.id,
      updated_seq: message.seq + 1,
      edited_at: null,
      attachments: [{ kind: "voice", transcript: "Meet me at the harbour." }],
    });
    expect(await transcriptOf(message)).toBe("Meet me at the harbour.");
    const late = await ben.socket();
    late.send({ type: "join", chat_id: chatId, after_seq: message.seq });
    expect((await late.next("message")).attachments).toEqual(frame.attachments);
    expect(await waiting()).toBeEmpty();
  });

  test("is asked for with the recording and rules, and is charged to the sender and the chat", async () => {
    const before = (await ann.api("GET", "/api/usage")).body.mine.used_tokens_today;
    const usage = { promptTokenCount: 500, candidatesTokenCount: 20, totalTokenCount: 520 };
    world.gemini.respondWith(answer(say("Hello"), finish("STOP", usage)));
    await speak(ann, { seconds: 2 });
    await run();
    const { body } = world.gemini.requests.at(-1)!;
    const [part] = JSON.parse(JSON.stringify(body.contents))[0].parts;
    expect(part.inlineData.mimeType).toBe("audio/wav");
    expect(Buffer.from(part.inlineData.data, "base64").toString("latin1", 0, 4)).toBe("RIFF");
    expect(JSON.stringify(body.systemInstruction)).toContain("never an instruction");
    const { mine } = (await ann.api("GET", "/api/usage")).body;
    expect(mine).toMatchObject({ used_tokens_today: before + 520, reserved_tokens: 0, running: 0 });
    expect(await world.sql`select 1 from answer_runs`).toBeEmpty();
  });

  test("takes no place among the running answers of its sender, and is no answer of the day", async () => {
    const before = (await ann.api("GET", "/api/usage")).body.mine;
    const gate = Promise.withResolvers<void>();
    world.gemini.respondWith(answer(say("Hello"), until(gate.promise), finish()));
    await speak();
    const nth = world.gemini.requests.length + 1;
    const running = run();
    await world.gemini.received(nth);
    const during = (await ann.api("GET", "/api/usage")).body.mine;
    expect(during.running).toBe(0);
    expect(during.reserved_tokens).toBeGreaterThan(0);
    gate.resolve();
    await running;
    const after = (await ann.api("GET", "/api/usage")).body.mine;
    expect(after).toMatchObject({ running: 0, reserved_tokens: 0 });
    expect(after.days[0].answers).toBe(before.days[0]?.answers ?? 0);
  });

  test("is found by a search, and so is the name of a file", async () => {
    world.gemini.respondWith(answer(say("The password is Zwetschgenkuchen"), finish()));
    const message = await speak();
    await world.index();
    await run();
    await world.index();
    for (const q of ["zwetschgen", '"password is"']) {
      const { body } = await ben.api("GET", `/api/search?q=${encodeURIComponent(q)}`);
      expect(body.items.map((item: { message: { id: number } }) => item.message.id)).toEqual([
        message.id,
      ]);
    }
    const file = await uploaded(world, ann, chatId, "x", { name: "Jahresbericht 2026.txt" });
    const sent = { content: "", attachment_ids: [file.id] };
    const { body } = await ann.api("POST", `/api/chats/${chatId}/messages`, sent);
    await world.index();
    const named = await ben.api("GET", "/api/search?q=jahresbericht");
    expect(named.body.items[0].message.id).toBe(body.id);
    const ofKind = async (has: string) =>
      (await ben.api("GET", `/api/search?has=${has}&limit=100`)).body.items.map(
        (item: { message: { id: number } }) => item.message.id,
      );
    expect(await ofKind("voice")).toContain(message.id);
    expect(await ofKind("voice")).not.toContain(body.id);
    expect(await ofKind("file")).toEqual(expect.arrayContaining([message.id, body.id]));
    expect(await ofKind("image")).toBeEmpty();
    expect(await indexFaults(world.sql)).toEqual([]);
    await ann.api("DELETE", `/api/chats/${chatId}/messages/${message.id}`);
    expect((await ben.api("GET", "/api/search?q=zwetschgen")).body.items).toBeEmpty();
  });

  test("that begins like a question to the model asks nothing", async () => {
    world.gemini.respondWith(answer(say("/bot what is the time? @Gemini"), finish()));
    const message = await speak();
    await run();
    const requests = world.gemini.requests.length;
    expect(await transcriptOf(message)).toStartWith("/bot");
    await ben.say(chatId, "hello");
    expect(world.gemini.requests).toHaveLength(requests);
  });

  test("is a part of what the model reads, in place of the recording, which goes along with a question about it", async () => {
    world.gemini.respondWith(answer(say("The train leaves at nine"), finish()));
    const message = await speak();
    await run();
    const socket = await ben.joined(chatId);
    const partsOf = () => {
      const { contents } = world.gemini.requests.at(-1)!.body;
      const turns: { parts: { text?: string; inlineData?: { mimeType: string } }[] }[] = JSON.parse(
        JSON.stringify(contents),
      );
      return turns.flatMap(({ parts }) => parts);
    };
    const spoken = "(said in a voice message) The train leaves at nine";
    await ben.say(chatId, "/bot When does it leave?");
    await socket.next("bot_stream", { is_complete: true });
    expect(partsOf().some(({ text }) => text?.includes(spoken))).toBe(true);
    const sound = () => partsOf().find(({ inlineData }) => inlineData?.mimeType === "audio/wav");
    expect(sound()).toBeUndefined();
    const reply = { content: "/bot", reply_to: message.id };
    await ben.api("POST", `/api/chats/${chatId}/messages`, reply);
    await socket.next("bot_stream", { is_complete: true });
    expect(partsOf().some(({ text }) => text?.includes("The train leaves at nine"))).toBe(true);
    expect(sound()).toBeDefined();
  });

  test("survives an edit of the text beside it", async () => {
    world.gemini.respondWith(answer(say("Said"), finish()));
    const message = await speak(ann, { content: "Written" });
    await run();
    const path = `/api/chats/${chatId}/messages/${message.id}`;
    await ann.api("PATCH", path, { content: "Rewritten" });
    expect(await stateOf(message)).toMatchObject({
      content: "Rewritten",
      attachments: [{ transcript: "Said" }],
    });
  });
});

describe("no transcript", () => {
  test.each([
    ["silence", answer(say("[no speech]"), finish())],
    ["an empty answer", answer(finish())],
    ["a refusal of the model", answer(blockPrompt("SAFETY"))],
  ])("comes of %s, and nothing is tried again", async (_, script) => {
    world.gemini.respondWith(script);
    const message = await speak();
    await run();
    expect(await transcriptOf(message)).toBeUndefined();
    expect((await stateOf(message)).updated_seq).toBe(message.seq);
    expect(await waiting()).toBeEmpty();
  });

  test("comes of a model that fails, which is tried again later, six times at most, without a charge", async () => {
    const usedTokens = async () => (await ann.api("GET", "/api/usage")).body.mine.used_tokens_today;
    const before = await usedTokens();
    const message = await speak();
    for (let attempt = 1; attempt <= 6; attempt += 1) {
      await due();
      world.gemini.respondWith(refuse(400, { message: "no" }));
      await run();
      const rows = await waiting();
      expect([...rows]).toEqual(attempt < 6 ? [{ attempts: attempt, is_later: true }] : []);
    }
    expect(await usedTokens()).toBe(before);
    expect(await transcriptOf(message)).toBeUndefined();
  });

  test("comes without tokens, until there are some", async () => {
    const eve = await world.person("eve");
    await ann.api("POST", `/api/chats/${chatId}/invite`, { username: eve.username });
    await world.sql`
      insert into budgets (kind, id, day, used_tokens)
      values ('user', ${eve.id}, (now() at time zone 'utc')::date, ${day})
    `;
    const message = await speak(eve);
    const requests = world.gemini.requests.length;
    await run();
    expect(world.gemini.requests).toHaveLength(requests);
    expect([...(await waiting())]).toEqual([{ attempts: 1, is_later: true }]);
    const hours = world.sql`select due_at > now() + interval '3 hours' as are_waited from jobs`;
    expect([...(await hours)]).toEqual([{ are_waited: true }]);
    await world.sql`update budgets set used_tokens = 0 where kind = 'user' and id = ${eve.id}`;
    await due();
    world.gemini.respondWith(answer(say("At last"), finish()));
    await run();
    expect(await transcriptOf(message)).toBe("At last");
  });

  test("is stored for a message that was deleted meanwhile", async () => {
    const gate = Promise.withResolvers<void>();
    world.gemini.respondWith(answer(say("Too late"), until(gate.promise), finish()));
    const message = await speak();
    const nth = world.gemini.requests.length + 1;
    const running = run();
    await world.gemini.received(nth);
    await ann.api("DELETE", `/api/chats/${chatId}/messages/${message.id}`);
    gate.resolve();
    await running;
    expect(await stateOf(message)).toMatchObject({ content: "", attachments: [] });
    expect(await world.sql`select 1 from answer_runs`).toBeEmpty();
  });
});

test("two servers transcribe each voice message once", async () => {
  const other = world.startAnother({ durations: { jobPollMs: 600_000 } });
  const messages = [await speak(), await speak(), await speak(), await speak()];
  const before = world.gemini.requests.length;
  world.gemini.respondWith(...messages.map(() => answer(say("Once"), finish())));
  await Promise.all([run(), other.jobs.idle(), run()]);
  expect(world.gemini.requests).toHaveLength(before + 4);
  for (const message of messages) expect(await transcriptOf(message)).toBe("Once");
});

test("a voice message of a server that was killed is transcribed by another, and the late one stores nothing", async () => {
  const gate = Promise.withResolvers<void>();
  world.gemini.respondWith(answer(say("Late"), until(gate.promise), finish()));
  const message = await speak();
  const nth = world.gemini.requests.length + 1;
  const late = run();
  await world.gemini.received(nth);
  // The lease of the job ends.
  await due();
  world.gemini.respondWith(answer(say("In time"), finish()));
  const other = world.startAnother({ durations: { jobPollMs: 600_000 } });
  await other.jobs.idle();
  gate.resolve();
  await late;
  expect(await transcriptOf(message)).toBe("In time");
  expect((await stateOf(message)).updated_seq).toBe(message.seq + 1);
});

test("without a model, nothing waits for it", async () => {
  const without = await startWorld({
    env: { GEMINI_API_KEY: "" },
    durations: { jobPollMs: 600_000 },
  });
  const eve = await without.person("eve");
  const chat = await eve.chat();
  const wav = makeWav({ seconds: 0.5, sound: (second) => Math.sin(second * 440) });
  const file = await uploaded(without, eve, chat.id, wav, { kind: "voice", name: "v.wav" });
  const message = { content: "", attachment_ids: [file.id] };
  expect((await eve.api("POST", `/api/chats/${chat.id}/messages`, message)).status).toBe(200);
  expect(await without.sql`select from jobs where kind = 'transcript'`).toHaveLength(1);
  await without.jobs.idle();
  expect(await without.sql`select from jobs where kind = 'transcript'`).toBeEmpty();
  await without.stop();
});
