// A running server of one's own, with a database of its own, the scripted Gemini, and people in it.
import { pino, type DestinationStream } from "pino";
import { makeSecret, signAccessToken } from "../../src/accounts/access-tokens.ts";
import { insertSession } from "../../src/accounts/queries.ts";
import { createGeminiModel } from "../../src/model/gemini/client.ts";
import { compose, type ComposedDurations } from "../../src/compose.ts";
import { readConfig, type Config } from "../../src/config/config.ts";
import { connect, type Sql } from "../../src/database/connect.ts";
import { startGeminiEmulator } from "../../src/emulator/server.ts";
import { createLogger } from "../../src/observability/logger.ts";
import { loadTelemetry } from "../../src/observability/telemetry.ts";
import { startServer, type ServerDurations } from "../../src/server.ts";
import { insertUser } from "../../src/accounts/user-queries.ts";
import { Chat, type ChatSettings } from "../../src/wire/chats.ts";
import { cloneDatabase, dropDatabase } from "./cluster.ts";
import { TestSocket } from "./socket.ts";

export interface Answer {
  status: number;
  headers: Headers;
  // What a test finds in a body it asserts itself.

  body: ReturnType<typeof JSON.parse>;
}

export type World = Awaited<ReturnType<typeof startWorld>>;
export type Person = Awaited<ReturnType<World["person"]>>;

/** Of a chat whose owner has chosen nothing. */
export const defaultSettings: ChatSettings = {
  model: null,
  persona: null,
  temperature: null,
  thinking_budget: null,
  google_search: false,
};

export interface WorldOptions {
  /** Settings that differ. */
  env?: Record<string, string>;
  /** Values that no setting allows, such as access tokens that are valid for seconds. */
  config?: Partial<Config>;
  /** False: no model is configured. */
  model?: boolean;
  now?: () => Date;
  /** Durations of the server that differ. */
  durations?: Partial<ServerDurations & ComposedDurations>;
  /** Receives the logs as production writes them, from `env.LOG_LEVEL` on. */
  logTo?: DestinationStream;
}

export async function startWorld(options: WorldOptions = {}) {
  const databaseUrl = await cloneDatabase();
  const settings = readConfig({
    NODE_ENV: "test",
    HOST: "127.0.0.1",
    PORT: "0",
    RATE_LIMITS: "off",
    ...options.env,
  });
  const config = { ...settings, ...options.config };
  const log = options.logTo
    ? await createLogger(config, options.logTo)
    : pino({ level: process.env.TEST_LOG_LEVEL ?? "silent" });
  const secretKey = makeSecret();
  const gemini = startGeminiEmulator({ pieceDelayMs: 1 });
  const answer = createGeminiModel({
    apiKey: "test-key",
    baseUrl: gemini.url,
    log,
    backoffMs: 1,
  });
  const sql = connect(databaseUrl, log);
  const telemetry = await loadTelemetry(config, log);
  const start = () =>
    startServer(
      compose({
        config,
        secretKey,
        sql,
        log,
        model: { answer: options.model === false ? undefined : answer, description: "scripted" },
        telemetry,
        now: options.now,
        durations: options.durations,
      }),
      options.durations,
    );
  let server = start();
  const source = { address: "127.0.0.1", userAgent: null };
  let people = 0;

  async function call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await fetch(server.url + path, {
      method,
      headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json");
    return {
      status: response.status,
      headers: response.headers,
      body: isJson ? JSON.parse(text) : text,
    };
  }

  /** Settles when as many statements wait for locks that others hold. */
  async function untilBlocked(statements = 1) {
    for (;;) {
      const blocked = await sql`
        select 1 from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'
      `;
      if (blocked.length >= statements) return;
    }
  }

  /** Somebody who is registered and signed in. */
  async function person(name = "person") {
    people += 1;
    const username = `${name}${people}`;
    const email = `${username}@example.com`;
    const hashedPassword = "none";
    const user = await insertUser(sql, { username, email, hashedPassword, source });
    const sessionId = crypto.randomUUID();
    await insertSession(sql, {
      id: sessionId,
      user,
      hashedPassword,
      source,
      refreshTokenHash: Buffer.alloc(32),
      ttlSeconds: 3_600,
    });
    const token = await signAccessToken(server.ctx, user, sessionId);
    const api = (method: string, path: string, body?: unknown) =>
      call(method, path, body, { authorization: `Bearer ${token}` });
    return {
      id: user.id,
      username,
      email,
      token,
      sessionId,
      source,
      api,
      /** A socket that is open and signed in; a merged one gets the nested frames of the FastAPI server's clients. */
      async socket({ isMerged = false } = {}) {
        const form = isMerged ? "" : "&frames=flat";
        const socket = new TestSocket(
          `${server.url.replace("http", "ws")}/ws?token=${token}${form}`,
        );
        await socket.opened;
        // It is open before its token was looked at.
        await socket.settle();
        return socket;
      },
      /** A socket that has joined a chat. */
      async joined(chatId: number, afterSeq?: number) {
        const socket = await this.socket();
        socket.send({ type: "join", chat_id: chatId, after_seq: afterSeq });
        await socket.next("joined", { chat_id: chatId });
        return socket;
      },
      async chat(more: { with?: { username: string }[]; [member: string]: unknown } = {}) {
        const { with: others = [], ...body } = more;
        const { status, body: chat } = await api("POST", "/api/chats", {
          is_group: true,
          participant_usernames: others.map((other) => other.username),
          ...body,
        });
        if (status !== 200) throw new Error(JSON.stringify(chat));
        return Chat.parse(chat);
      },
      async say(chatId: number, content: string, clientId?: string) {
        const { body } = await api("POST", `/api/chats/${chatId}/messages`, {
          content,
          client_id: clientId,
        });
        return body;
      },
    };
  }

  return {
    config,
    sql,
    gemini,
    databaseUrl,
    call,
    person,
    get url() {
      return server.url;
    },
    get ctx() {
      return server.ctx;
    },
    get sockets() {
      return server.sockets;
    },
    untilBlocked,
    /** Locks a chat, begins something, and once `waiters` statements of it wait, does `meanwhile` and lets them go on. */
    async whileLocked<T>(
      chatId: number,
      waiters: number,
      begin: () => Promise<T>,
      meanwhile: (transaction: Sql) => Promise<unknown> = async () => {},
    ): Promise<T> {
      const transaction = await sql.reserve();
      try {
        await transaction`begin`;
        await transaction`select id from chats where id = ${chatId} for update`;
        const begun = begin();
        await untilBlocked(waiters);
        await meanwhile(transaction);
        await transaction`commit`;
        return await begun;
      } finally {
        transaction.release();
      }
    },
    socketUrl: (query = "") => `${server.url.replace("http", "ws")}/ws${query}`,
    /** Goes down in order and comes up again with the same database, on another port unless PORT was set. */
    async restart(meanwhile: () => Promise<unknown> = async () => {}) {
      await server.stop();
      await meanwhile();
      server = start();
    },
    async stop() {
      await server.stop();
      await telemetry.stop();
      await gemini.stop();
      await sql.end({ timeout: 1 });
      await dropDatabase(databaseUrl);
    },
  };
}
