// Something secret in every place where it may be put, rightly or not, to a server that works, one whose tables are gone,
// and one whose database is away: no line of its output has it, and no error that anybody is told.
import { afterAll, beforeAll, expect } from "bun:test";
import postgres from "postgres";
import { answer, bytes, cut, finish, refuse, say } from "../../world/gemini/script.ts";
import { startGeminiEmulator } from "../../world/gemini/server.ts";
import { answerEnds } from "../../answers/room.ts";
import { borrowDatabase } from "../../world/cluster.ts";
import { bothTest, everyNth, longTest, test } from "../../world/long.ts";
import { processes, signUp, type Client, type ServerProcess } from "../../world/process.ts";
import { canaries, canary, plantEverywhere, told } from "./canaries.ts";

const { start, spawn, dataDir, end } = processes();
const gemini = startGeminiEmulator();
let server: ServerProcess;
let anna: Client;
let chatId: number;
let databaseUrl: string;
let admin: postgres.Sql;
const geminiKey = canary("GEMINI_API_KEY");
const role = { name: `canary_${process.pid}`, password: canary("the database's password") };
beforeAll(async () => {
  databaseUrl = await borrowDatabase();
  const adminUrl = new URL(databaseUrl);
  adminUrl.pathname = "/postgres";
  admin = postgres(adminUrl.href, { max: 1, onnotice: () => undefined });
  await admin.unsafe(`create role ${role.name} login superuser password '${role.password}'`);
  const url = new URL(databaseUrl);
  [url.username, url.password] = [role.name, role.password];
  server = await start({
    LOG_LEVEL: "trace",
    // A request that is refused for its rate comes no further, so that the limits, which production requires, are off.
    RATE_LIMITS: "off",
    SECRET_KEY: canary("SECRET_KEY"),
    DATABASE_URL: url.href,
    GEMINI_API_KEY: geminiKey,
    GEMINI_BASE_URL: gemini.url,
  });
  anna = await signUp(server, "anna");
  const { body: chat } = await anna.api(server, "POST", "/api/chats", { is_group: true });
  chatId = chat.id;
});
afterAll(async () => {
  await end();
  await gemini.stop();
  await admin.unsafe(`drop role ${role.name}`);
  await admin.end();
});

function expectNowhere(output: string) {
  const errors = told.join("\n");
  const leaks = [...canaries].flatMap(([place, secret]) => [
    ...(output.includes(secret) ? [`${place}: in the output`] : []),
    ...(errors.includes(secret) ? [`${place}: in an error`] : []),
  ]);
  expect(leaks).toEqual([]);
}

test("a server that works keeps them to itself", async () => {
  await plantEverywhere(server, anna, chatId);
  expect(told.length).toBeGreaterThan(100);
  expectNowhere(server.output);
});

longTest("so does one whose model fails with the key in its words", async () => {
  const socket = await anna.joined(server, chatId);
  const scripts = [
    refuse(403, { message: `Consumer 'api_key:${geminiKey}' has been suspended.` }),
    refuse(400, {
      message: `${gemini.url}/v1/models/x?key=${geminiKey} is not valid`,
      reason: "API_KEY_INVALID",
    }),
    refuse(404, { html: `<html>no /v1/models?key=${geminiKey}</html>` }),
    answer(say("Begun."), bytes(`data: {"error": "${geminiKey}\r\n\r\n`)),
    answer(
      say("Begun."),
      bytes(`data: {"error":{"code":500,"message":"${geminiKey}","status":"INTERNAL"}}\r\n\r\n`),
    ),
    answer(say("Begun."), cut()),
    answer(bytes(`${geminiKey}\r\n\r\n`), finish("OTHER")),
  ];
  for (const script of scripts) {
    gemini.respondWith(script);
    await anna.api(server, "POST", `/api/chats/${chatId}/messages`, { content: "/bot hello?" });
    expect((await answerEnds(socket)).last.status).toBe("failed");
  }
  told.push(...socket.frames.map((frame) => JSON.stringify(frame)));
  await socket.close();
  expectNowhere(server.output);
});

longTest("so does one whose tables are gone", async () => {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => undefined });
  const tables = ["users", "sessions", "socket_tickets"];
  for (const table of tables) await sql.unsafe(`alter table ${table} rename to ${table}_elsewhere`);
  await plantEverywhere(server, anna, chatId);
  for (const table of tables) await sql.unsafe(`alter table ${table}_elsewhere rename to ${table}`);
  await sql.end();
  expect(server.output).toContain("unexpected error");
  expectNowhere(server.output);
});

longTest("so does one whose database is away", async () => {
  const name = new URL(databaseUrl).pathname.slice(1);
  await admin.unsafe(`alter database ${name} with allow_connections false`);
  await admin`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name}`;
  const before = told.length;
  await plantEverywhere(server, anna, chatId);
  const refusals = told.slice(before);
  expect(refusals.filter((each) => each.includes(" 503 "))).not.toBeEmpty();
  expect(refusals.filter((each) => each.includes(" 500 "))).toEqual([]);
  await admin.unsafe(`alter database ${name} with allow_connections true`);
  expectNowhere(server.output);
});

test("so does one that goes down", async () => {
  expect(await server.stop()).toBe(0);
  expectNowhere(server.output);
});

const strong = "kJ8vN2xQ7mR4tY6wZ1aB3cD5eF9gH0iLkJ8v";
bothTest.each<[what: string, env: () => Record<string, string>]>(
  everyNth(3, [
    [
      "whose settings are faulty",
      () => ({
        SECRET_KEY: canary("a short SECRET_KEY").slice(0, 31),
        DATABASE_URL: `mysql://root:${canary("a wrong address")}@127.0.0.1/x`,
        GEMINI_BASE_URL: `${canary("a wrong model's address")}:x`,
        PORT: canary("PORT"),
        ALGORITHM: canary("ALGORITHM"),
        LOG_LEVEL: canary("LOG_LEVEL"),
      }),
    ],
    [
      "whose database is not there",
      () => ({
        SECRET_KEY: strong,
        DATABASE_URL: `postgres://root:${canary("an unused password")}@127.0.0.1:1/x`,
      }),
    ],
    [
      "whose database refuses it",
      () => ({
        SECRET_KEY: strong,
        DATABASE_URL: `postgres://nobody:${canary("a wrong password")}@${new URL(databaseUrl).host}/x`,
      }),
    ],
  ]),
)("so does one that can't start, %s", async (_, env) => {
  const given = env();
  const failing = spawn({
    NODE_ENV: "production",
    LOG_LEVEL: "trace",
    DATA_DIR: dataDir(),
    ...given,
  });
  expect(await failing.exited).not.toBe(0);
  expect(failing.output).toMatch(/\S/);
  for (const secret of Object.values(given)) expect(failing.output).not.toContain(secret);
  expectNowhere(failing.output);
});
