// Nothing of another room ever enters a prompt: every byte that is sent for one is read.
import { expect, setDefaultTimeout, test } from "bun:test";
import { useWorld } from "../../world/world.ts";
import { untilSummarised, untilQuiet } from "../budget/settlement.ts";

setDefaultTimeout(40_000);

// A prompt is so short that summaries are made again and again.
const world = useWorld({ env: { GEMINI_CONTEXT_TOKENS: "500" } });

const rounds = 6;

test("two rooms of the same people, asked at the same time, with summaries, know nothing of each other", async () => {
  const anna = await world.person("anna");
  const ben = await world.person("ben");
  const rooms = await Promise.all(
    ["alpha", "omega"].map(async (secret) => {
      const chat = await anna.chat({ name: `name-${secret}`, with: [ben] });
      const persona = `You know persona-${secret}.`;
      const { status } = await anna.api("PATCH", `/api/chats/${chat.id}`, {
        settings: { persona },
      });
      expect(status).toBe(200);
      return { chat, secret };
    }),
  );
  const all = async (work: (room: (typeof rooms)[number]) => Promise<unknown>) => {
    await Promise.all(rooms.map(work));
  };
  for (let round = 0; round < rounds; round += 1) {
    await all(async ({ chat, secret }) => {
      const padding = " so it goes".repeat(8);
      // The demonstration quotes the question, so that answers and summaries hold the secret too.
      await Promise.all([
        anna.say(chat.id, `words-${secret} ${round}${padding}`, `client-${secret}-${round}`),
        ben.say(chat.id, `/bot question-${secret} ${round}?`, `client-${secret}-${round}`),
        anna.say(chat.id, `/bot again-${secret} ${round}?`, `client-${secret}-b${round}`),
        ben.say(chat.id, `more-${secret} ${round}${padding}`),
      ]);
    });
    await untilQuiet(world, ...rooms.map(({ chat }) => chat));
    await all(({ chat }) => untilSummarised(world, chat.id));
  }
  await all(async ({ chat }) => {
    const { body } = await ben.api("GET", `/api/chats/${chat.id}/messages?after_seq=0`);
    const question = body.find((message: { content: string }) =>
      message.content.startsWith("/bot"),
    );
    const path = `/api/chats/${chat.id}/messages/${question.id}/regenerate`;
    expect((await ben.api("POST", path)).status).toBe(200);
  });
  await untilQuiet(world, ...rooms.map(({ chat }) => chat));

  const requests = world.gemini.requests.map(({ body, headers }) => ({
    sent: JSON.stringify(body) + JSON.stringify(headers),
    isSummary: JSON.stringify(body.systemInstruction).includes("You keep the memory"),
  }));
  const codes = new Map<string, Set<string>>();
  for (const { sent } of requests) {
    const [mine] = rooms.filter(({ secret }) => sent.includes(secret));
    const others = rooms.filter((room) => room !== mine);
    for (const { secret } of others) expect(sent).not.toContain(secret);
    for (const nobodys of ["client-", "@example.com", anna.token, ben.token]) {
      expect(sent).not.toContain(nobodys);
    }
    const known = codes.get(mine?.secret ?? "") ?? new Set();
    for (const [, code = ""] of sent.matchAll(/\[#([0-9a-f]{8}) /g)) known.add(code);
    codes.set(mine?.secret ?? "", known);
  }
  expect([...codes.keys()].toSorted()).toEqual(["alpha", "omega"]);
  const seen = [...codes.values()].flatMap((known) => [...known]);
  expect(new Set(seen).size).toBe(2);
  expect(seen).toHaveLength(2);
  for (const { secret } of rooms) {
    const its = requests.filter(({ sent }) => sent.includes(secret));
    // The test would show nothing otherwise.
    expect(its.filter(({ isSummary }) => isSummary).length).toBeGreaterThanOrEqual(2);
    expect(its.filter(({ sent }) => sent.includes("summed up:")).length).toBeGreaterThan(0);
    expect(its.filter(({ sent }) => sent.includes(`persona-${secret}`)).length).toBeGreaterThan(
      rounds,
    );
  }
});
