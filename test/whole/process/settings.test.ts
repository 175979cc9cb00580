import { afterAll, describe, expect } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readConfig } from "../../../src/config/config.ts";
import { faultsOf } from "../../config/faults.ts";
import { borrowDatabase } from "../../world/cluster.ts";
import { longTest, test } from "../../world/long.ts";
import { call, processes, signUp } from "../../world/process.ts";

const { folder, spawn, start, dataDir, end } = processes();
afterAll(end);

const production = { NODE_ENV: "production" };
const secretKey = "kJ8vN2xQ7mR4tY6wZ1aB3cD5eF9gH0iLkJ8v";

describe("in production", () => {
  test.concurrent(
    "a start with faults ends with one message that lists them all, and no value",
    async () => {
      const server = spawn({
        ...production,
        DATA_DIR: dataDir(),
        SECRET_KEY: "hunter2hunter2",
        PORT: "eighty",
        GEMINI_API_KEY: "AIzaSyTheKey",
        GEMINI_BASE_URL: "ftp://user:pass@elsewhere",
        ALGORITHM: "none",
      });
      expect(await server.exited).toBe(1);
      const [head, ...faults] = server.output.trim().split("\n");
      expect(head).toBe("The settings have 5 faults:");
      expect(faults.map((fault) => /^ {2}- (\w+): \S/.exec(fault)?.[1]).sort()).toEqual([
        "ALGORITHM",
        "DATABASE_URL",
        "GEMINI_BASE_URL",
        "PORT",
        "SECRET_KEY",
      ]);
      expect(server.output).not.toMatch(/hunter2|eighty|AIzaSy|pass@|elsewhere/);
      expect(existsSync(join(folder, ".data"))).toBe(false);
    },
  );

  test("nothing is made up: without any setting both faults are told, and nothing is embedded", () => {
    expect(faultsOf(production)).toEqual([
      expect.stringMatching(/DATABASE_URL: must be set in production/),
      expect.stringMatching(/SECRET_KEY: must be set in production/),
    ]);
    expect(faultsOf({ ...production, DATABASE_URL: "", SECRET_KEY: "" })).toHaveLength(2);
  });

  test.each([
    "short",
    "a".repeat(64),
    "your-secret-key-here-your-secret-key-here",
    "change-me-change-me-change-me-change-me-1",
    "ChangeThis0123456789ChangeThis0123456789",
    "secret0123456789abcdefghijklmnopqrstuvwxyz",
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    "\u{1F511}".repeat(8),
  ])("%j is no secret key, present or previous, and elsewhere it is", (weak) => {
    const database = { DATABASE_URL: "postgres://localhost/x" };
    const good = { ...database, SECRET_KEY: secretKey, SECRET_KEY_PREVIOUS: secretKey };
    for (const name of ["SECRET_KEY", "SECRET_KEY_PREVIOUS"]) {
      const env = { ...good, [name]: weak };
      expect(faultsOf({ ...production, ...env })).toEqual([
        expect.stringContaining(`  - ${name}: is too weak`),
      ]);
      expect(faultsOf(env)).toEqual([]);
    }
    expect(faultsOf({ ...production, ...good })).toEqual([]);
    expect(faultsOf({ ...production, ...database, SECRET_KEY: secretKey })).toEqual([]);
  });

  test.each([
    ["HS256", 32],
    ["HS384", 48],
    ["HS512", 64],
  ])("with %s a secret key has %d bytes at least", (ALGORITHM, bytes) => {
    const env = { ...production, DATABASE_URL: "postgres://localhost/x", ALGORITHM };
    const key = secretKey.repeat(2);
    expect(faultsOf({ ...env, SECRET_KEY: key.slice(0, bytes) })).toEqual([]);
    expect(faultsOf({ ...env, SECRET_KEY: key.slice(0, bytes - 1) })).toEqual([
      expect.stringContaining(`SECRET_KEY: is too weak for production (at least ${bytes} random`),
    ]);
  });

  test("no secret key that is written in this project's files will do", () => {
    const files = [".env.example", "README.md", "docker-compose.yml", "Dockerfile"];
    const written = files.flatMap((file) => {
      const text = readFileSync(join(import.meta.dir, "../../..", file), "utf8");
      const values = text.matchAll(/\bSECRET_KEY(?:_PREVIOUS)?\s*[:=][ \t]*["']?([^\s"'#]*)/g);
      return Array.from(values, ([, value = ""]) => value);
    });
    expect(written.length).toBeGreaterThan(1);
    for (const value of written) {
      const env = { DATABASE_URL: "postgres://localhost/x", SECRET_KEY: value };
      expect(faultsOf({ ...production, ...env })).toHaveLength(1);
    }
  });

  test.concurrent(
    "it starts with a database and a secret, and /bot says that it has no key",
    async () => {
      const env = { ...production, SECRET_KEY: secretKey, DATABASE_URL: await borrowDatabase() };
      const server = await start({ ...env, DATA_DIR: dataDir() });
      const listening = JSON.parse(server.output.trim().split("\n").at(-1) ?? "");
      expect(listening).toMatchObject({
        msg: "listening",
        api: `${server.url}/api`,
        docs: `${server.url}/docs`,
        sockets: `${server.url.replace("http", "ws")}/ws`,
        database: "DATABASE_URL",
      });
      expect(listening.bot).toContain("GEMINI_API_KEY is not set");
      expect((await call(server, "GET", "/ready")).body.dependencies.model).toBe(listening.bot);
      const anna = await signUp(server, "anna");
      const { body: chat } = await anna.api(server, "POST", "/api/chats", { is_group: true });
      const refused = await anna.api(server, "POST", `/api/chats/${chat.id}/messages`, {
        content: "/bot hi",
      });
      expect(refused.status).toBe(503);
      expect(refused.body.type).toBe("/problems/bot_not_configured");
      expect(await server.stop()).toBe(0);
    },
  );
});

describe("the models that a chat may choose", () => {
  const modelsOf = (env: Record<string, string>) => readConfig(env).gemini.models;

  test("are the default and those which are listed, each once", () => {
    expect(modelsOf({})).toEqual(["gemini-2.5-flash"]);
    expect(modelsOf({ GEMINI_MODELS: "" })).toEqual(["gemini-2.5-flash"]);
    expect(
      modelsOf({ GEMINI_MODEL: "pro", GEMINI_MODELS: "flash-2.5, pro ,models/tuned_1,flash-2.5" }),
    ).toEqual(["pro", "flash-2.5", "models/tuned_1"]);
  });

  test.each(["one,,two", "one,", ",", "two words", "a;b", "a\u0000"])(
    "cannot be %j, which is one fault for each that is none",
    (list) => {
      const faults = faultsOf({ GEMINI_MODELS: list });
      expect(faults.length).toBeGreaterThan(0);
      for (const fault of faults) {
        expect(fault).toBe("  - GEMINI_MODELS: must be a model's name");
      }
    },
  );
});

describe("the budgets", () => {
  const days = ["TOKENS", "IMAGES"].flatMap((what) => [
    `${what}_PER_USER_DAY`,
    `${what}_PER_CHAT_DAY`,
  ]);
  const names = days.concat(
    ["USER", "CHAT"].map((whose) => `ANSWERS_PER_${whose}`),
    "ANSWERS_TOTAL",
  );

  test("may each be 0, for no limit", () => {
    const none = Object.fromEntries(names.map((name) => [`BUDGET_${name}`, "0"]));
    expect(Object.values(readConfig(none).budgets)).toEqual([0, 0, 0, 0, 0, 0, 0]);
  });

  test.each(names)("BUDGET_%s is a whole number, not below 0", (name) => {
    for (const value of ["-1", "1.5", "many", "1e3"]) {
      expect(faultsOf({ [`BUDGET_${name}`]: value })).toEqual([
        expect.stringContaining(`BUDGET_${name}: must be a whole number from 0 to `),
      ]);
    }
  });
});

describe("what can be seen inside", () => {
  test("is nobody's without its settings, and one socket in a hundred is followed in the log", () => {
    const { metricsToken, tracing, logSocketsSample } = readConfig({
      METRICS_TOKEN: "",
      OTEL_EXPORTER_OTLP_ENDPOINT: "",
    });
    expect([metricsToken, tracing, logSocketsSample]).toEqual([undefined, undefined, 0.01]);
  });

  test.each(["short", "fifteen-of-them", "with spaces in its middle", "umlauts-äöü-umlauts"])(
    "METRICS_TOKEN cannot be %j, which is not repeated",
    (token) => {
      const [fault = "", another] = faultsOf({ METRICS_TOKEN: token });
      expect(fault).toMatch(/METRICS_TOKEN: (must have at least 16|may have letters)/);
      expect(another).toBeUndefined();
      expect(fault).not.toContain(token);
      expect(faultsOf({ METRICS_TOKEN: "sixteen-of-them-" })).toEqual([]);
    },
  );

  test.each(["-0.1", "1.1", "2", "all", "1e-3", "."])(
    "LOG_SOCKETS_SAMPLE and OTEL_TRACES_SAMPLER_ARG cannot be %j",
    (share) => {
      for (const name of ["LOG_SOCKETS_SAMPLE", "OTEL_TRACES_SAMPLER_ARG"]) {
        expect(faultsOf({ [name]: share })).toEqual([`  - ${name}: must be a number from 0 to 1`]);
      }
    },
  );

  test.each([
    ["0", 0],
    ["1", 1],
    ["1.0", 1],
    ["0.5", 0.5],
    [".25", 0.25],
  ])("LOG_SOCKETS_SAMPLE can be %j", (text, share) => {
    expect(readConfig({ LOG_SOCKETS_SAMPLE: text }).logSocketsSample).toBe(share);
  });

  test("OTEL_EXPORTER_OTLP_HEADERS are pairs, percent-encoded", () => {
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" };
    const headersOf = (list: string) =>
      readConfig({ ...endpoint, OTEL_EXPORTER_OTLP_HEADERS: list }).tracing?.headers;
    expect(headersOf("authorization=Basic%20YTpi=, x-one = 1")).toEqual({
      authorization: "Basic YTpi=",
      "x-one": "1",
    });
    for (const list of ["the-secret", "=the-secret", "a=b,the-secret", "a=%E0%the-secret"]) {
      expect(faultsOf({ ...endpoint, OTEL_EXPORTER_OTLP_HEADERS: list })).toEqual([
        "  - OTEL_EXPORTER_OTLP_HEADERS: must be name=value pairs, separated by commas",
      ]);
    }
    expect(faultsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" })).toEqual([
      expect.stringMatching(/OTEL_EXPORTER_OTLP_ENDPOINT: must be an http/),
    ]);
  });
});

describe("with DATABASE_URL", () => {
  longTest.concurrent(
    "nothing is embedded, and servers with one data folder take each other's tokens",
    async () => {
      const env = { DATABASE_URL: await borrowDatabase(), DATA_DIR: dataDir() };
      const [one, two] = await Promise.all([start(env), start(env)]);
      expect(one.output).toMatch(/database +DATABASE_URL$/m);
      const anna = await signUp(one, "anna");
      expect((await anna.api(two, "GET", "/api/auth/me")).body.username).toBe("anna");
      expect(existsSync(join(env.DATA_DIR, "secret-key"))).toBe(true);
      expect(existsSync(join(env.DATA_DIR, "postgres"))).toBe(false);
      expect(await Promise.all([one.stop(), two.stop("SIGHUP")])).toEqual([0, 0]);
    },
  );

  longTest.concurrent(
    "that leads nowhere, the start ends with a word about it and without the password",
    async () => {
      const server = spawn({
        DATABASE_URL: "postgres://somebody:hunter2@127.0.0.1:1/nowhere",
        DATA_DIR: dataDir(),
      });
      expect(await server.exited).toBe(1);
      expect(server.output).toContain("127.0.0.1:1/nowhere");
      expect(server.output).not.toContain("hunter2");
    },
  );
});
