// A backup is taken from a server under load, and restored for another one.
import { afterAll, expect } from "bun:test";
import { copyFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { parseDatabaseUrl } from "../../../src/config/database-address.ts";
import { connect } from "../../../src/database/connect.ts";
import { makePng } from "../../attachments/made-files.ts";
import { check } from "../faults/checker.ts";
import type { Send } from "../faults/history.ts";
import { readStored } from "../faults/stored.ts";
import { emptyDatabase } from "../../world/cluster.ts";
import { prepareDataFolder } from "../../world/data-folder.ts";
import { longTest } from "../../world/long.ts";
import { runProgram } from "../../world/program.ts";
import { call, type Client, processes, type ServerProcess, signUp } from "../../world/process.ts";

const { folder, start, dataDir, end } = processes();
afterAll(end);

const log = pino({ level: "silent" });
const secretKey = "kJ8vN2xQ7mR4tY6wZ1aB3cD5eF9gH0iLkJ8v";
const acksBefore = 150;

const runDb = (args: string[], env: Record<string, string>) =>
  runProgram("db/cli.ts", args, { cwd: folder, env });

const countFiles = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    .length;

/** People who send one after the other, until they are told to stop. Everything that they sent was acknowledged then. */
function startSending(
  server: ServerProcess,
  people: { id: number; person: Client }[],
  chat: number,
) {
  const sends: Send[] = [];
  const enough = Promise.withResolvers<void>();
  let stopping = false;
  const work = people.map(async ({ id, person }, index) => {
    for (let n = 0; !stopping; n += 1) {
      const clientId = `${index}-${n}`;
      const content = `${clientId} \t \n \\N \\. \u2028 👩‍🚀`;
      const path = `/api/chats/${chat}/messages`;
      const { body } = await person.api(server, "POST", path, { content, client_id: clientId });
      const acks = [{ messageId: body.id, seq: body.seq }];
      const none = { asksBot: false, attachmentIds: [], refusals: [], maybeStored: false };
      sends.push({ chatId: chat, userId: id, clientId, content, acks, ...none });
      if (sends.length >= acksBefore) enough.resolve();
    }
  });
  return {
    sends,
    enough: enough.promise,
    async stop() {
      stopping = true;
      await Promise.all(work);
    },
  };
}

longTest(
  "a backup that was taken under load, restored elsewhere, has all that was acknowledged before, and the room goes on",
  async () => {
    const embedded = { DATA_DIR: prepareDataFolder(dataDir()) };
    const settings = { SECRET_KEY: secretKey, RATE_LIMITS: "off" };
    const server = await start({ ...embedded, ...settings });
    const names = ["anna", "ben", "carl"];
    const people = await Promise.all(
      names.map(async (name) => {
        const person = await signUp(server, name);
        const { body } = await person.api(server, "GET", "/api/auth/me");
        return { id: body.id, person };
      }),
    );
    const [anna] = people;
    if (!anna) throw new Error("nobody is there");
    const room = { is_group: true, participant_usernames: names.slice(1) };
    const { body: chat } = await anna.person.api(server, "POST", "/api/chats", room);
    const messagesPath = `/api/chats/${chat.id}/messages`;

    const filesPath = `/api/chats/${chat.id}/attachments`;
    const { body: file } = await anna.person.api(server, "POST", filesPath, 42);

    const { status } = await fetch(`${server.url}/api/auth/me/avatar`, {
      method: "PUT",
      headers: { authorization: `Bearer ${anna.person.token}` },
      body: makePng(9, 9),
    });
    expect(status).toBe(200);

    // The upload of the avatar is removed some seconds after it was made into squares.
    while (countFiles(join(embedded.DATA_DIR, "files")) > 3) await Bun.sleep(20);

    const load = startSending(server, [...people, ...people], chat.id);
    await load.enough;
    const before = [...load.sends];
    const saved = await runDb(["backup", "saved.sql.gz"], embedded);
    expect(saved).toMatchObject({ code: 0, stderr: "" });
    expect(saved.stdout).toMatch(
      /^saved 3 users, 1 chats, \d+ messages\nto saved\.sql\.gz\nsaved 3 files\nto saved\.files\.tar\n$/,
    );
    await load.stop();
    expect(load.sends.length).toBeGreaterThan(before.length);

    const refused = await runDb(["restore", "saved.sql.gz"], embedded);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toBe(
      "Failed: A server is using the database: stop it first, then restore.\n",
    );
    expect(await server.stop()).toBe(0);

    // Without the archive, all files count that rows name: one of no message yet, two of an avatar.
    copyFileSync(join(folder, "saved.sql.gz"), join(folder, "alone.sql.gz"));
    const alone = { DATABASE_URL: await emptyDatabase(), DATA_DIR: dataDir() };
    const lacking = await runDb(["restore", "alone.sql.gz"], alone);
    expect(lacking.stdout).toContain(`alone.files.tar is not there: 3 files are missing in`);

    const elsewhere = { DATABASE_URL: await emptyDatabase(), DATA_DIR: dataDir() };
    const restored = await runDb(["restore", "saved.sql.gz"], elsewhere);
    expect(restored).toMatchObject({ code: 0, stderr: "" });
    expect(restored.stdout).toEndWith("and 3 files\n");
    const sql = connect(parseDatabaseUrl(elsewhere.DATABASE_URL), log, { max: 1 });
    const [stored] = await readStored(sql, [chat.id]);
    await sql.end();
    if (!stored) throw new Error("the room was not restored");
    const isStored = (send: Send) =>
      stored.messages.some(({ id }) => id === send.acks[0]?.messageId);
    expect(before.filter((send) => !isStored(send))).toEqual([]);
    const violations = check({
      chats: [stored],
      sends: load.sends.filter(isStored),
      revisions: [],
      reactions: [],
      moves: [],
      renames: [],
      profiles: [],
      departures: [],
      leftBehind: undefined,
      exports: undefined,
      names: new Map(),
      tapes: [],
      loads: [],
      presence: { statuses: new Map(), together: new Set(), strangers: [], absent: undefined },
      asked: new Map(),
      kills: 0,
      servers: 1,
      answerTo: () => "",
      incidents: [],
    });
    expect(violations).toEqual([]);

    const again = await start({ ...elsewhere, ...settings });
    expect((await anna.person.api(again, "GET", file.url)).body).toBe(42);
    // A join gives 1,000 missed messages at most.
    const position = stored.messages.at(-101)?.seq ?? 0;
    const socket = await anna.person.joined(again, chat.id, position);
    const expected = stored.messages.map(({ seq }) => seq).filter((seq) => seq > position);
    expect(socket.ofType("message").map(({ seq }) => seq)).toEqual(expected);

    const repeated = before[7];
    const sender = people.find(({ id }) => id === repeated?.userId);
    const retry = { content: repeated?.content, client_id: repeated?.clientId };
    const retried = await sender?.person.api(again, "POST", messagesPath, retry);
    expect(retried?.body).toMatchObject({
      id: repeated?.acks[0]?.messageId,
      seq: repeated?.acks[0]?.seq,
    });
    const credentials = { username: "ben", password: anna.person.password };
    expect((await call(again, "POST", "/api/auth/login", credentials)).status).toBe(200);
    const token = { refresh_token: anna.person.refreshToken };
    expect((await call(again, "POST", "/api/auth/refresh", token)).status).toBe(200);
    const next = await anna.person.api(again, "POST", messagesPath, { content: "and on" });
    expect(next.body.seq).toBe(stored.last_seq + 1);
    expect(next.body.id).toBeGreaterThan(Math.max(...stored.messages.map(({ id }) => id)));
    expect(await socket.next("message", { content: "and on" })).toMatchObject({
      seq: stored.last_seq + 1,
    });
    expect(await again.stop()).toBe(0);
  },
);
