// A server that is killed while Gemini makes pictures: nothing is asked for twice, and no file is left over.
import { afterAll, expect } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { parseDatabaseUrl } from "../../../src/config/database-address.ts";
import { connect } from "../../../src/database/connect.ts";
import { makePng } from "../../attachments/made-files.ts";
import { unsettled } from "../../answers/left-behind.ts";
import { answer, draw, until } from "../../world/gemini/script.ts";
import { startGeminiEmulator } from "../../world/gemini/server.ts";
import { borrowDatabase } from "../../world/cluster.ts";
import { longTest } from "../../world/long.ts";
import { processes, signUp } from "../../world/process.ts";

const { start, dataDir, end } = processes();
const gemini = startGeminiEmulator();
afterAll(async () => {
  await end();
  await gemini.stop();
});

/** The pictures that are stored when a server is killed, one server after the other. */
const kills = [0, 1, 2];

longTest(
  "of killed servers each answer is asked for once, and keeps the pictures that were stored",
  async () => {
    const databaseUrl = await borrowDatabase();
    const env = {
      DATABASE_URL: databaseUrl,
      DATA_DIR: dataDir(),
      GEMINI_BASE_URL: gemini.url,
      GEMINI_IMAGE_MODEL: "gemini-3.1-flash-image",
      SECRET_KEY: "a key of thirty-two bytes and more",
    };
    const sql = connect(parseDatabaseUrl(databaseUrl), pino({ level: "silent" }), { max: 2 });
    const [other, first] = await Promise.all([start(env), start(env)]);
    const anna = await signUp(other, "anna");
    const { body: chat } = await anna.api(other, "POST", "/api/chats", { is_group: true });
    const path = `/api/chats/${chat.id}/messages`;
    const socket = await anna.joined(other, chat.id);
    const pictures = () => sql`select key from stored_files where chat_id = ${chat.id}`;
    let killed = first;
    for (const kept of kills) {
      const reached = Promise.withResolvers<void>();
      const hang = until(() => {
        reached.resolve();
        return new Promise(() => {});
      });
      const before = (await pictures()).length;
      const drawn = Array.from({ length: kept }, (_, n) => draw(makePng(20 + kept, 10 + n)));
      gemini.respondWith(answer(...drawn, hang));
      await anna.api(killed, "POST", path, { content: "/image some cats" });
      await reached.promise;
      while ((await pictures()).length < before + kept) await Bun.sleep(1);
      killed.signal("SIGKILL");
      await killed.exited;
      await sql`update answer_runs set lease_expires_at = now()`;
      const last = await socket.next("bot_stream", { is_complete: true });
      expect(last.status).toBe("interrupted");
      expect(last.attachments ?? []).toHaveLength(kept);
      if (kept !== kills.at(-1)) killed = await start(env);
    }
    expect(gemini.requests.length).toBe(kills.length);
    const counts = await sql`select scope, pictures from picture_counts order by scope`;
    expect([...counts].map(({ scope, pictures: n }) => [scope, n])).toEqual([
      ["chat", kills.length],
      ["user", kills.length],
    ]);
    const days = await sql`select answers from usage_days where kind = 'user'`;
    expect(days.map(({ answers }) => answers)).toEqual([kills.length]);
    expect(await unsettled(sql)).toEqual([[], [], []]);

    // Names of files that were being written are due later.
    await sql`update file_removals set remove_after = now()`;
    while ((await sql`select from file_removals`).length > 0) await Bun.sleep(1);
    const rows = await sql`select key, thumbnails from stored_files`;
    const known = rows.flatMap(({ key, thumbnails }) => [
      key,
      ...thumbnails.map((thumbnail: { key: string }) => thumbnail.key),
    ]);
    const folder = join(env.DATA_DIR, "files");
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => name);
    expect(files.toSorted()).toEqual(known.toSorted());
    // Each picture has two thumbnails.
    expect(known).toHaveLength(3 * kills.reduce((sum, kept) => sum + kept, 0));
    await sql.end();
  },
);
