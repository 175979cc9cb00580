import { afterAll, expect } from "bun:test";
import postgres from "postgres";
import { z } from "zod";
import { answer, finish, refuse, say } from "../../world/gemini/script.ts";
import { startGeminiEmulator } from "../../world/gemini/server.ts";
import { answerEnds } from "../../answers/room.ts";
import { borrowDatabase } from "../../world/cluster.ts";
import { longTest } from "../../world/long.ts";
import { call, client, processes, signUp } from "../../world/process.ts";
import { TestSocket } from "../../world/socket.ts";

const { start, end } = processes();
const gemini = startGeminiEmulator();
afterAll(async () => {
  await end();
  await gemini.stop();
});

const Line = z.looseObject({
  level: z.int(),
  time: z.iso.datetime(),
  msg: z.string(),
  requestId: z.string().optional(),
  path: z.string().optional(),
  status: z.int().optional(),
});

const secretKey = "kJ8vN2xQ7mR4tY6wZ1aB3cD5eF9gH0iLkJ8v";
const apiKey = "AIzaSy-the-key-that-nobody-may-see";

longTest(
  "production logs are JSON lines with request ids, and hold no secret of anybody",
  async () => {
    const databaseUrl = await borrowDatabase();
    const server = await start({
      NODE_ENV: "production",
      LOG_LEVEL: "trace",
      SECRET_KEY: secretKey,
      DATABASE_URL: databaseUrl,
      GEMINI_API_KEY: apiKey,
      GEMINI_BASE_URL: gemini.url,
    });
    const sockets = `${server.url.replace("http", "ws")}/ws`;
    const secrets: Record<string, string> = {
      secretKey,
      apiKey,
      databasePassword: new URL(databaseUrl).password,
      hash: "$argon2",
    };

    // Passwords and tokens wherever somebody may put them, rightly or not.
    const anna = await signUp(server, "anna");
    Object.assign(secrets, {
      password: anna.password,
      token: anna.token,
      signature: anna.token.split(".").at(-1) ?? "",
      refreshToken: anna.refreshToken,
      refreshSecret: anna.refreshToken.split(".").at(-1) ?? "",
    });
    const wrong = {
      username: "anna",
      password: (secrets.wrongPassword = "Tr0ub4dor&3-Tr0ub4dor&3"),
    };
    expect((await call(server, "POST", "/api/auth/login", wrong)).status).toBe(401);
    const broken = await fetch(`${server.url}/api/auth/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: `{"username":"anna","password":"${wrong.password}"`,
    });
    expect(broken.status).toBe(400);
    const invalid = { username: wrong.password, email: wrong.password, password: wrong.password };
    expect((await call(server, "POST", "/api/auth/register", invalid)).status).toBe(422);
    const { body: renewed } = await call(server, "POST", "/api/auth/refresh", {
      refresh_token: anna.refreshToken,
    });
    secrets.newToken = renewed.access_token;
    secrets.newRefreshSecret = renewed.refresh_token.split(".").at(-1);
    const again = client(renewed.access_token, renewed.refresh_token);
    const { body: ticket } = await again.api(server, "POST", "/api/auth/ws-ticket");
    secrets.ticket = ticket.ticket;
    const unknown = await call(server, "GET", `/api/nowhere?token=${again.token}`, undefined, {
      "x-request-id": "my-own-id",
      authorization: `Bearer ${again.token}`,
      cookie: `token=${again.token}`,
    });
    expect(unknown.headers.get("x-request-id")).toBe("my-own-id");

    const byTicket = new TestSocket(`${sockets}?token=${ticket.ticket}`);
    await byTicket.opened;
    expect(await byTicket.ask({ type: "auth", token: again.token })).toMatchObject({ type: "ack" });
    byTicket.send({ type: "auth", token: ticket.ticket });
    expect((await byTicket.next("error")).code).toBe("invalid_token");
    const stale = new TestSocket(`${sockets}?token=${ticket.ticket}`);
    expect((await stale.closed).code).toBe(1008);

    // A question that Gemini answers, one that it refuses with the key in its words.
    const { body: chat } = await again.api(server, "POST", "/api/chats", { is_group: true });
    const socket = await again.joined(server, chat.id);
    gemini.respondWith(
      answer(say("Yes."), finish()),
      refuse(403, { message: `Consumer 'api_key:${apiKey}' has been suspended.` }),
    );
    for (const content of ["/bot hello?", "/bot and now?"]) {
      await again.api(server, "POST", `/api/chats/${chat.id}/messages`, { content });
      await answerEnds(socket);
    }

    // An error of ours, whose words in PostgreSQL quote the whole row.
    const sql = postgres(databaseUrl, { max: 1 });
    await sql`alter table users add constraint no_zoe check (username <> 'zoe')`;
    await sql.end();
    const zoe = { username: "zoe", email: "zoe@secret.example", password: wrong.password };
    const failed = await call(server, "POST", "/api/auth/register", zoe, {
      "x-request-id": "zoes",
    });
    expect(failed.status).toBe(500);
    secrets.email = zoe.email;
    expect(JSON.stringify(failed.body)).not.toMatch(/zoe@|no_zoe|constraint/);

    const logout = await call(server, "POST", "/api/auth/logout", {
      refresh_token: again.refreshToken,
    });
    expect(logout.status).toBe(200);
    expect(await server.stop()).toBe(0);

    for (const [name, secret] of Object.entries(secrets)) {
      expect(secret.length).toBeGreaterThan(6);
      expect([name, server.output.includes(secret)]).toEqual([name, false]);
    }
    const lines = server.output
      .trim()
      .split("\n")
      .map((line) => Line.parse(JSON.parse(line)));
    const requests = lines.filter((line) => line.msg === "request");
    expect(requests.length).toBeGreaterThan(12);
    for (const line of requests) expect(line.requestId).toMatch(/^[\w-]{2,}$/);
    expect(requests.find((line) => line.requestId === "my-own-id")).toMatchObject({
      path: "/api/nowhere",
      status: 404,
    });
    // The operator finds the error under the request id that the client was given.
    const errors = lines.filter((line) => line.level >= 50);
    expect(errors.map(({ msg, requestId }) => [msg, requestId])).toEqual([
      ["unexpected error", "zoes"],
    ]);
    expect(JSON.stringify(errors)).toContain("no_zoe");
  },
);
