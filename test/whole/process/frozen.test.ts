// A server that stands still for so long that another one goes on with its answers, and then wakes up.
import { afterAll, expect } from "bun:test";
import { pino } from "pino";
import { parseDatabaseUrl } from "../../../src/config/database-address.ts";
import { connect } from "../../../src/database/connect.ts";
import { answer, answerAndHang, finish, say, until } from "../../world/gemini/script.ts";
import { startGeminiEmulator } from "../../world/gemini/server.ts";
import { whenAborted } from "../../answers/asking.ts";
import { unsettled } from "../../answers/left-behind.ts";
import { borrowDatabase } from "../../world/cluster.ts";
import { longTest } from "../../world/long.ts";
import { processes, signUp } from "../../world/process.ts";

const { start, dataDir, end } = processes();
const gemini = startGeminiEmulator();
afterAll(async () => {
  await end();
  await gemini.stop();
});

longTest(
  "a frozen server that wakes up writes nothing into an answer that another one has ended",
  async () => {
    const databaseUrl = await borrowDatabase();
    const env = {
      DATABASE_URL: databaseUrl,
      DATA_DIR: dataDir(),
      GEMINI_BASE_URL: gemini.url,
      SECRET_KEY: "a key of thirty-two bytes and more",
    };
    const [frozen, other] = await Promise.all([start(env), start(env)]);
    const sql = connect(parseDatabaseUrl(databaseUrl), pino({ level: "silent" }), { max: 2 });
    const anna = await signUp(frozen, "anna");
    const { body: chat } = await anna.api(frozen, "POST", "/api/chats", { is_group: true });
    const path = `/api/chats/${chat.id}/messages`;
    const [before, elsewhere] = [
      await anna.joined(frozen, chat.id),
      await anna.joined(other, chat.id),
    ];
    const [gate, otherGate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    gemini.respondWith(
      answerAndHang(say("Mostly"), until(gate.promise), say(" of what was never kept")),
      answer(say(" and the rest"), until(otherGate.promise), say(" of it."), finish()),
    );
    await anna.api(frozen, "POST", path, { content: "/bot well?" });
    const { message_id: messageId } = await before.next("bot_stream", { chunk: "Mostly" });
    while ((await sql`select 1 from messages where content = 'Mostly'`).length === 0);

    frozen.signal("SIGSTOP");
    await sql`update answer_runs set lease_expires_at = now() where attempt = 1`;
    await elsewhere.next("bot_stream", { chunk: " and the rest" });
    gate.resolve();
    frozen.signal("SIGCONT");
    // It has noticed that the answer is no longer its own.
    await whenAborted((await gemini.received(1)).aborted);
    otherGate.resolve();

    const last = { is_complete: true, message_id: messageId };
    const whole = { status: "complete", full_response: "Mostly and the rest of it." };
    expect(await elsewhere.next("bot_stream", last)).toMatchObject(whole);
    const ended = await anna.api(other, "GET", path);
    expect(await before.next("bot_stream", last)).toMatchObject(whole);
    // In order: what it still has in hand is done with.
    expect(await frozen.stop()).toBe(0);
    expect((await anna.api(other, "GET", path)).body).toEqual(ended.body);
    expect(before.frames.filter((frame) => frame.is_complete)).toHaveLength(1);
    expect(elsewhere.frames.filter((frame) => frame.is_complete)).toHaveLength(1);
    expect(await unsettled(sql)).toEqual([[], [], []]);
    await sql.end();
  },
);
