// A running server with a database of its own, the scripted Gemini, and the people who use it.
import { afterAll, beforeAll } from "bun:test";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino, type DestinationStream, type Logger } from "pino";
import type { PasswordCost } from "../../src/accounts/passwords.ts";
import { makeSecret } from "../../src/accounts/access-tokens.ts";
import { createGeminiModel } from "../../src/model/gemini/client.ts";
import { createGeminiFiles } from "../../src/model/gemini/files.ts";
import type { Model } from "../../src/context.ts";
import { compose, type ComposedDurations } from "../../src/compose.ts";
import { readConfig, type Config } from "../../src/config/config.ts";
import type { Sql } from "../../src/database/connect.ts";
import { startGeminiEmulator } from "./gemini/server.ts";
import { createLogger } from "../../src/observability/logger.ts";
import { loadTelemetry, noTelemetry, type Telemetry } from "../../src/observability/telemetry.ts";
import { startServer, type RunningServer, type ServerDurations } from "../../src/server.ts";
import type { ChatSettings } from "../../src/wire/chats.ts";
import { untilBlocked } from "./blocked.ts";
import { openDatabase } from "./cluster.ts";
import { removeFolder } from "./folder.ts";
import { Person } from "./person.ts";

export type { Person } from "./person.ts";

export interface Answer {
  status: number;
  headers: Headers;
  // Each test asserts the shape of its bodies itself.
  body: ReturnType<typeof JSON.parse>;
}

/** The settings of a chat whose owner has chosen nothing. */
export const defaultSettings: ChatSettings = {
  model: null,
  persona: null,
  temperature: null,
  thinking_budget: null,
  google_search: false,
};

export interface WorldOptions {
  /** A migrated database, dropped at the end; a new one unless said otherwise. */
  databaseUrl?: string;
  /** A statement that waits longer for a lock fails. */
  lockTimeoutMs?: number;
  /** Settings that differ. */
  env?: Record<string, string>;
  /** Values that no setting allows, such as access tokens that are valid for seconds. */
  config?: Partial<Config>;
  /** False: no model is configured. */
  model?: boolean;
  now?: () => Date;
  /** The cost of new hashes: the lowest one unless said otherwise. Undefined: that of a real server. */
  passwordCost?: PasswordCost | undefined;
  /** Durations of the server that differ. */
  durations?: Partial<ServerDurations & ComposedDurations>;
  /** NATS, if the world's servers share their rooms over it. */
  nats?: { url: string };
  /** Receives the logs as production writes them, from `env.LOG_LEVEL` on. */
  logTo?: DestinationStream;
}

const lowestPasswordCost: PasswordCost = { memoryKiB: 8, passes: 1 };

/** The parts that exist while a world runs. */
type Parts = Awaited<ReturnType<typeof startParts>>;

async function startParts(options: WorldOptions) {
  const settings = readConfig({
    NODE_ENV: "test",
    HOST: "127.0.0.1",
    PORT: "0",
    RATE_LIMITS: "off",
    ...(options.nats && { NATS_URL: options.nats.url, NATS_PREFIX: `test-${crypto.randomUUID()}` }),
    // It is made with the first file.
    DATA_DIR: join(tmpdir(), `gemini-coop-world-${crypto.randomUUID()}`),
    ...options.env,
  });
  const config = { ...settings, secretKey: makeSecret(), ...options.config };
  const log = options.logTo
    ? await createLogger(config, options.logTo)
    : pino({ level: process.env.TEST_LOG_LEVEL ?? "silent" });
  const gemini = startGeminiEmulator({ pieceDelayMs: 1 });
  const asking = { apiKey: "test-key", baseUrl: gemini.url, log, backoffMs: 1 };
  const model: Model = {
    answer: options.model === false ? undefined : createGeminiModel(asking),
    pictures: settings.gemini.imageModel ? createGeminiModel(asking) : undefined,
    files: options.model === false ? undefined : createGeminiFiles({ ...asking, pollMs: 1 }),
    description: "scripted",
  };
  const { databaseUrl, sql, release } = await openDatabase(
    options.databaseUrl,
    log,
    options.lockTimeoutMs,
  );
  const telemetry = await loadTelemetry(config, log);
  const { now, durations, passwordCost } = { passwordCost: lowestPasswordCost, ...options };
  const parts = { config, sql, log, model, telemetry, now, durations, passwordCost };
  const createBus = await busOf(config, log, telemetry);
  const startOne = (more: Partial<typeof parts> & { natsUrl?: string | undefined } = {}) => {
    const all = { ...parts, ...more, bus: createBus?.(more.natsUrl) };
    return startServer(compose(all), all.durations);
  };
  const others: RunningServer[] = [];
  const server = startOne();
  return { databaseUrl, config, gemini, sql, release, telemetry, startOne, others, server };
}

/** @returns a function that makes the bus of one server, at the address of the settings or another one */
async function busOf({ bus }: Config, log: Logger, { metrics }: Telemetry) {
  if (!bus) return undefined;
  const { NatsBus } = await import("../../src/bus/nats-bus.ts");
  return (natsUrl?: string) => {
    const servers = natsUrl === undefined ? bus.servers : [new URL(natsUrl).host];
    return new NatsBus({ ...bus, servers }, { log, metrics });
  };
}

export class World {
  readonly #options: WorldOptions;
  #parts: Parts | undefined;
  #people = 0;

  constructor(options: WorldOptions = {}) {
    this.#options = options;
  }

  get #running(): Parts {
    if (!this.#parts) throw new Error("the world runs only within tests and their hooks");
    return this.#parts;
  }

  get config() {
    return this.#running.config;
  }

  get sql() {
    return this.#running.sql;
  }

  get gemini() {
    return this.#running.gemini;
  }

  get databaseUrl() {
    return this.#running.databaseUrl;
  }

  get url() {
    return this.#running.server.url;
  }

  get ctx() {
    return this.#running.server.ctx;
  }

  get sockets() {
    return this.#running.server.sockets;
  }

  /** Searches find everything that was sent before this settles. */
  get index() {
    return () => this.#running.server.indexer.run();
  }

  get jobs() {
    return this.#running.server.jobs;
  }

  get presence() {
    return this.#running.server.presence;
  }

  get peopleChanges() {
    return this.#running.server.peopleChanges;
  }

  get memberships() {
    return this.#running.server.memberships;
  }

  async start(): Promise<void> {
    this.#parts = await startParts(this.#options);
  }

  async stop(): Promise<void> {
    const { server, others, telemetry, gemini, config, release } = this.#running;
    await Promise.all([server, ...others].map((each) => each.stop()));
    await telemetry.stop();
    await gemini.stop();
    removeFolder(config.dataDir);
    await release();
  }

  /** Starts another server on the same database, which nobody measures. It stops with the world, or earlier. */
  startAnother(
    more: Pick<WorldOptions, "durations"> & { model?: Model; natsUrl?: string } = {},
  ): RunningServer {
    const { startOne, others } = this.#running;
    const other = startOne({ ...more, telemetry: noTelemetry });
    others.push(other);
    return other;
  }

  /** Stops the server in order and starts another one on the same database, on another port unless PORT was set. */
  async restart(meanwhile: () => Promise<unknown> = async () => {}): Promise<void> {
    const parts = this.#running;
    await parts.server.stop();
    await meanwhile();
    parts.server = parts.startOne();
  }

  /** A person who is registered and signed in; a number that is unique in this world follows the name. */
  person(name = "person"): Promise<Person> {
    this.#people += 1;
    return Person.insert(this, `${name}${this.#people}`);
  }

  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await fetch(this.url + path, {
      method,
      headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    const isJson = /\bjson\b/.test(response.headers.get("content-type") ?? "");
    return {
      status: response.status,
      headers: response.headers,
      body: isJson ? JSON.parse(text) : text,
    };
  }

  socketUrl(query = ""): string {
    return `${this.url.replace("http", "ws")}/ws${query}`;
  }

  /** See {@link untilBlocked}. */
  untilBlocked(statements = 1): Promise<void> {
    return untilBlocked(this.sql, statements);
  }

  /** Locks a chat or a person, begins something, and once `waiters` statements of it wait, does `meanwhile` and lets them go on. */
  async whileLocked<T>(
    locked: number | { user: number },
    waiters: number,
    begin: () => Promise<T>,
    meanwhile: (transaction: Sql) => Promise<unknown> = async () => {},
  ): Promise<T> {
    const transaction = await this.sql.reserve();
    try {
      await transaction`begin`;
      if (typeof locked === "number") {
        await transaction`select id from chats where id = ${locked} for update`;
      } else {
        await transaction`select id from users where id = ${locked.user} for update`;
      }
      const begun = begin();
      await this.untilBlocked(waiters);
      await meanwhile(transaction);
      await transaction`commit`;
      return await begun;
    } finally {
      transaction.release();
    }
  }
}

/** Starts a world at once, for a single test; the caller stops it. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const world = new World(options);
  await world.start();
  return world;
}

/** Makes a world for the tests of one file: it starts before the first of them and stops after the last one. */
export function useWorld(options: WorldOptions = {}): World {
  const world = new World(options);
  beforeAll(() => world.start());
  afterAll(() => world.stop());
  return world;
}
