// The only reader of the environment. Everything else receives the frozen Config made here.
import { z } from "zod";
import { version } from "../../package.json";
import { productionFaults } from "./production.ts";
import { databaseAddress, type DatabaseAddress } from "./database-address.ts";
import {
  headerList,
  httpUrl,
  modelName,
  networks,
  origins,
  share,
  wholeNumber,
} from "./setting-types.ts";

const metricsTokenMin = 16;

/** Settings that were given as an empty string count as not given: that is what `KEY=` in a .env file means. */
const blankIsUnset = (env: Record<string, string | undefined>) =>
  Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ""),
  );

const Environment = z.object({
  NODE_ENV: z.enum(["production", "development", "test"]).default("development"),
  HOST: z.string().default("0.0.0.0"),
  PORT: wholeNumber(8000, 0, 65_535),
  DATABASE_URL: databaseAddress.optional(),
  DATA_DIR: z.string().default(".data"),
  SECRET_KEY: z.string().optional(),
  SECRET_KEY_PREVIOUS: z.string().optional(),
  ALGORITHM: z.enum(["HS256", "HS384", "HS512"]).default("HS256"),
  ACCESS_TOKEN_EXPIRE_MINUTES: wholeNumber(30, 1, 525_600),
  AUDIT_DAYS: wholeNumber(365, 0, 36_500),
  GEMINI_API_KEY: z.string().optional(),
  GEMINI_MODEL: modelName.default("gemini-2.5-flash"),
  GEMINI_MODELS: z
    .string()
    .transform((list) => list.split(",").map((name) => name.trim()))
    .pipe(z.array(modelName))
    .optional(),
  GEMINI_BASE_URL: httpUrl.optional(),
  GEMINI_CONTEXT_TOKENS: wholeNumber(32_000, 0, 2_000_000),
  CORS_ORIGINS: origins.default(["http://localhost:3000", "http://localhost:3001"]),
  TRUSTED_PROXIES: networks.default([]),
  WEB_PAGE: z.enum(["on", "off"]).default("on"),
  RATE_LIMITS: z.enum(["memory", "postgres", "off"]).default("memory"),
  RATE_USER_FACTOR: wholeNumber(1, 1, 1_000),
  RATE_ADDRESS_FACTOR: wholeNumber(1, 1, 1_000),
  SOCKETS_PER_USER: wholeNumber(50, 0, 1_000_000),
  SOCKETS_PER_ADDRESS: wholeNumber(1_000, 0, 1_000_000),
  BUDGET_TOKENS_PER_USER_DAY: wholeNumber(1_000_000, 0, 1_000_000_000_000),
  BUDGET_TOKENS_PER_CHAT_DAY: wholeNumber(5_000_000, 0, 1_000_000_000_000),
  BUDGET_ANSWERS_PER_USER: wholeNumber(5, 0, 100_000),
  BUDGET_ANSWERS_PER_CHAT: wholeNumber(20, 0, 100_000),
  BUDGET_ANSWERS_TOTAL: wholeNumber(100, 0, 100_000),
  LOG_SOCKETS_SAMPLE: share(0.01),
  METRICS_TOKEN: z
    .string()
    .min(metricsTokenMin, `must have at least ${metricsTokenMin} characters`)
    .regex(/^[\w.~+/-]+=*$/, "may have letters a to z or A to Z, digits and - . _ ~ + / only")
    .optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl.optional(),
  OTEL_EXPORTER_OTLP_HEADERS: headerList.default({}),
  OTEL_TRACES_SAMPLER_ARG: share(1),
  OTEL_SERVICE_NAME: z.string().max(255, "may have at most 255 characters").default("gemini-coop"),
  LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
});

export interface Config {
  readonly version: string;
  readonly production: boolean;
  readonly host: string;
  readonly port: number;
  /** Undefined: an embedded PostgreSQL under `dataDir` is used. Never undefined in production. */
  readonly database: DatabaseAddress | undefined;
  readonly dataDir: string;
  /** Undefined: made once and kept under `dataDir`. Never undefined in production. */
  readonly secretKey: string | undefined;
  /** Tokens that were signed with it are still good; none is signed with it. */
  readonly previousSecretKey: string | undefined;
  readonly algorithm: "HS256" | "HS384" | "HS512";
  readonly accessTokenTtlSeconds: number;
  readonly refreshTokenTtlSeconds: number;
  /** How long events of the audit are kept; 0 for ever. */
  readonly auditDays: number;
  readonly gemini: {
    readonly apiKey: string | undefined;
    /** Where a chat has not chosen another. */
    readonly model: string;
    /** That a chat may choose, the default among them. */
    readonly models: readonly string[];
    readonly baseUrl: string | undefined;
    /** Tokens of history that go into a prompt; 0 for no limit. */
    readonly contextTokens: number;
  };
  /** What answers may cost; 0 for no limit. */
  readonly budgets: {
    /** Tokens a day (UTC). */
    readonly userDayTokens: number;
    readonly chatDayTokens: number;
    /** Answers running at once: of a person, in a chat, on this server. */
    readonly userAnswers: number;
    readonly chatAnswers: number;
    readonly serverAnswers: number;
  };
  readonly corsOrigins: readonly string[];
  /** Addresses and CIDR networks whose X-Forwarded-For and X-Forwarded-Proto are believed. */
  readonly trustedProxies: readonly string[];
  /** Whether `/` is the room in the browser. */
  readonly webPage: boolean;
  readonly rates: {
    /** Where it is counted who does what how often. Never `off` in production. */
    readonly store: "memory" | "postgres" | "off";
    /** What the quotas of src/rate-limits/limits.ts are multiplied by. */
    readonly userFactor: number;
    readonly addressFactor: number;
  };
  /** 0 for no limit. */
  readonly socketsPerUserMax: number;
  /** 0 for no limit. */
  readonly socketsPerAddressMax: number;
  /** The part of all sockets, 0 to 1, whose life is logged at `info`. */
  readonly logSocketsSample: number;
  /** What a scrape of /metrics must show; undefined: there is no /metrics. */
  readonly metricsToken: string | undefined;
  /** Where traces go; undefined: nowhere. */
  readonly tracing:
    | {
        readonly endpoint: string;
        readonly headers: Readonly<Record<string, string>>;
        readonly serviceName: string;
        /** The part of all traces, 0 to 1, that begin here. */
        readonly sample: number;
      }
    | undefined;
  readonly logLevel: "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";
}

/** Thrown by {@link readConfig}; `message` lists every fault, one a line. */
export class ConfigError extends Error {
  constructor(faults: string[]) {
    super(
      `The settings have ${faults.length === 1 ? "a fault" : `${faults.length} faults`}:\n` +
        faults.map((fault) => `  - ${fault}`).join("\n"),
    );
    this.name = "ConfigError";
  }
}

/**
 * Reads the settings from an environment, the process's own unless said otherwise.
 * @throws ConfigError that lists every fault at once. Values are never part of it, since some are secret.
 */
export function readConfig(env: Record<string, string | undefined> = process.env): Config {
  const given = blankIsUnset(env);
  const parsed = Environment.safeParse(given);
  const faults = parsed.success
    ? []
    : parsed.error.issues.map((issue) => `${issue.path[0]?.toString()}: ${issue.message}`);
  faults.push(...productionFaults(given));
  if (!parsed.success || faults.length > 0) throw new ConfigError(faults);

  const values = parsed.data;
  return Object.freeze({
    version,
    production: values.NODE_ENV === "production",
    host: values.HOST,
    port: values.PORT,
    database: values.DATABASE_URL,
    dataDir: values.DATA_DIR,
    secretKey: values.SECRET_KEY,
    previousSecretKey: values.SECRET_KEY_PREVIOUS,
    algorithm: values.ALGORITHM,
    accessTokenTtlSeconds: values.ACCESS_TOKEN_EXPIRE_MINUTES * 60,
    refreshTokenTtlSeconds: 30 * 24 * 60 * 60,
    auditDays: values.AUDIT_DAYS,
    gemini: Object.freeze({
      apiKey: values.GEMINI_API_KEY,
      model: values.GEMINI_MODEL,
      models: Object.freeze([...new Set([values.GEMINI_MODEL, ...(values.GEMINI_MODELS ?? [])])]),
      baseUrl: values.GEMINI_BASE_URL,
      contextTokens: values.GEMINI_CONTEXT_TOKENS,
    }),
    budgets: Object.freeze({
      userDayTokens: values.BUDGET_TOKENS_PER_USER_DAY,
      chatDayTokens: values.BUDGET_TOKENS_PER_CHAT_DAY,
      userAnswers: values.BUDGET_ANSWERS_PER_USER,
      chatAnswers: values.BUDGET_ANSWERS_PER_CHAT,
      serverAnswers: values.BUDGET_ANSWERS_TOTAL,
    }),
    corsOrigins: Object.freeze(values.CORS_ORIGINS),
    trustedProxies: Object.freeze(values.TRUSTED_PROXIES),
    webPage: values.WEB_PAGE === "on",
    rates: Object.freeze({
      store: values.RATE_LIMITS,
      userFactor: values.RATE_USER_FACTOR,
      addressFactor: values.RATE_ADDRESS_FACTOR,
    }),
    socketsPerUserMax: values.SOCKETS_PER_USER,
    socketsPerAddressMax: values.SOCKETS_PER_ADDRESS,
    logSocketsSample: values.LOG_SOCKETS_SAMPLE,
    metricsToken: values.METRICS_TOKEN,
    tracing: values.OTEL_EXPORTER_OTLP_ENDPOINT
      ? Object.freeze({
          endpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT,
          headers: Object.freeze(values.OTEL_EXPORTER_OTLP_HEADERS),
          serviceName: values.OTEL_SERVICE_NAME,
          sample: values.OTEL_TRACES_SAMPLER_ARG,
        })
      : undefined,
    logLevel: values.LOG_LEVEL,
  });
}
