// The only reader of the environment. The rest of the server receives the frozen Config that is made here.
import { version } from "../../package.json";
import { readBusSettings, type BusSettings } from "./bus-settings.ts";
import type { DatabaseAddress } from "./database-address.ts";
import { Environment } from "./environment.ts";
import { fileFaults, filesOf, type FileSettings } from "./file-settings.ts";
import { mailFaults, productionFaults } from "./production.ts";
import { vapidFaults, type VapidKeys } from "./vapid-keys.ts";
import { signInFaults, signInOf, type SignInSettings } from "./sign-in-settings.ts";

export interface Config {
  readonly version: string;
  readonly production: boolean;
  readonly host: string;
  readonly port: number;
  /** Undefined: an embedded PostgreSQL under `dataDir` is used. Never undefined in production. */
  readonly database: DatabaseAddress | undefined;
  /** Undefined: this server stands alone, or tells the others nothing. */
  readonly bus: BusSettings | undefined;
  readonly dataDir: string;
  /** Undefined: a key is made once and kept under `dataDir`. Never undefined in production. */
  readonly secretKey: string | undefined;
  /** A key whose tokens are still accepted; no token is signed with it. */
  readonly previousSecretKey: string | undefined;
  readonly algorithm: "HS256" | "HS384" | "HS512";
  readonly accessTokenTtlSeconds: number;
  readonly refreshTokenTtlSeconds: number;
  /** Days for which audit events are kept; 0 for ever. */
  readonly auditDays: number;
  readonly gemini: {
    readonly apiKey: string | undefined;
    /** The model of chats that have not chosen another. */
    readonly model: string;
    /** The models that a chat may choose, including the default. */
    readonly models: readonly string[];
    readonly baseUrl: string | undefined;
    /** Most tokens of history in a prompt; 0 for no limit. */
    readonly contextTokens: number;
    /** The model that makes pictures; undefined: none are made. */
    readonly imageModel: string | undefined;
    /** Most estimated tokens of the files of a room's history in a prompt; 0 for no limit. */
    readonly fileTokens: number;
  };
  /** Limits on the use of the model; 0 for no limit. */
  readonly budgets: {
    /** Tokens of a person or a chat in a day (UTC). */
    readonly userDayTokens: number;
    readonly chatDayTokens: number;
    /** Pictures that a person may ask for, and that may be asked for in a chat, in a day (UTC). */
    readonly userDayPictures: number;
    readonly chatDayPictures: number;
    /** Answers that run at once, of a person, in a chat, and of everybody on all servers. */
    readonly userAnswers: number;
    readonly chatAnswers: number;
    readonly allAnswers: number;
  };
  /** How people reach this server: scheme, host and port. */
  readonly publicUrl: string;
  /** `smtp`: by a mail server. `log`: mails are written into the log. `none`: there are none. */
  readonly mail:
    | { readonly by: "smtp"; readonly url: string; readonly from: string }
    | { readonly by: "log" | "none" };
  /** The keys by which push services know this server; undefined: they are derived from the secret key. */
  readonly vapid: VapidKeys | undefined;
  readonly signIn: SignInSettings;
  readonly files: FileSettings;
  /** Addresses and CIDR networks that are not public, and may be called for people all the same. */
  readonly webhookAllow: readonly string[];
  readonly corsOrigins: readonly string[];
  /** Addresses and CIDR networks whose X-Forwarded-For and X-Forwarded-Proto are believed. */
  readonly trustedProxies: readonly string[];
  /** Whether `/` is the web page to chat in. */
  readonly webPage: boolean;
  readonly rates: {
    /** The store of the counters. Never `off` in production. */
    readonly store: "memory" | "postgres" | "off";
    /** Factors that multiply the quotas of src/rate-limits/limits.ts. */
    readonly userFactor: number;
    readonly addressFactor: number;
  };
  /** 0 for no limit. */
  readonly socketsPerUserMax: number;
  /** 0 for no limit. */
  readonly socketsPerAddressMax: number;
  /** Share of the sockets, 0 to 1, that are logged at `info`. */
  readonly logSocketsSample: number;
  /** Bearer token for /metrics; undefined: there is no /metrics. */
  readonly metricsToken: string | undefined;
  /** Destination of traces; undefined: there are none. */
  readonly tracing:
    | {
        readonly endpoint: string;
        readonly headers: Readonly<Record<string, string>>;
        readonly serviceName: string;
        /** Share of the traces that begin here, 0 to 1. */
        readonly sample: number;
      }
    | undefined;
  readonly logLevel: "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";
}

/** The settings of a server that has its key. */
export type ServerConfig = Config & { readonly secretKey: string };

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

/** Bytes of these sign tokens and seal secrets, so they are taken as they are. */
const exactSettings = new Set(["SECRET_KEY", "SECRET_KEY_PREVIOUS"]);

/**
 * An empty string counts as not set: that is how a .env file leaves a setting out (`KEY=`). White space around a value, such as
 * the newline that `echo` adds to a secret, is no part of it.
 */
function withoutBlanks(env: Record<string, string | undefined>) {
  const given: Record<string, string> = {};
  for (const [name, value = ""] of Object.entries(env)) {
    const trimmed = value.trim();
    if (trimmed !== "") given[name] = exactSettings.has(name) ? value : trimmed;
  }
  return given;
}

/**
 * Reads the settings from an environment, by default the process's own.
 * @throws ConfigError that lists every fault. It has no values, since some are secret.
 */
export function readConfig(env: Record<string, string | undefined> = process.env): Config {
  const given = withoutBlanks(env);
  const parsed = Environment.safeParse(given);
  const faults = parsed.success
    ? []
    : parsed.error.issues.map((issue) => `${issue.path[0]?.toString()}: ${issue.message}`);
  const bus = readBusSettings(given);
  faults.push(
    ...productionFaults(given),
    ...mailFaults(given),
    ...vapidFaults(given),
    ...fileFaults(given),
    ...signInFaults(given),
    ...bus.faults,
  );
  if (!parsed.success || faults.length > 0) throw new ConfigError(faults);

  return configOf(parsed.data, bus.settings);
}

function configOf(values: Environment, bus: BusSettings | undefined): Config {
  return Object.freeze({
    version,
    production: values.NODE_ENV === "production",
    host: values.HOST,
    port: values.PORT,
    database: values.DATABASE_URL,
    bus: bus && Object.freeze(bus),
    dataDir: values.DATA_DIR,
    secretKey: values.SECRET_KEY,
    previousSecretKey: values.SECRET_KEY_PREVIOUS,
    algorithm: values.ALGORITHM,
    accessTokenTtlSeconds: values.ACCESS_TOKEN_EXPIRE_MINUTES * 60,
    refreshTokenTtlSeconds: 30 * 24 * 60 * 60,
    auditDays: values.AUDIT_DAYS,
    gemini: geminiOf(values),
    budgets: budgetsOf(values),
    publicUrl: values.PUBLIC_URL ?? `http://localhost:${values.PORT}`,
    mail: mailOf(values),
    vapid: vapidOf(values),
    signIn: signInOf(values),
    files: filesOf(values),
    webhookAllow: Object.freeze(values.WEBHOOK_ALLOW),
    corsOrigins: Object.freeze(values.CORS_ORIGINS),
    trustedProxies: Object.freeze(values.TRUSTED_PROXIES),
    webPage: values.WEB_PAGE === "on",
    rates: Object.freeze({
      // Several servers count together.
      store: values.RATE_LIMITS ?? (bus ? "postgres" : "memory"),
      userFactor: values.RATE_USER_FACTOR,
      addressFactor: values.RATE_ADDRESS_FACTOR,
    }),
    socketsPerUserMax: values.SOCKETS_PER_USER,
    socketsPerAddressMax: values.SOCKETS_PER_ADDRESS,
    logSocketsSample: values.LOG_SOCKETS_SAMPLE,
    metricsToken: values.METRICS_TOKEN,
    tracing: tracingOf(values),
    logLevel: values.LOG_LEVEL,
  });
}

function geminiOf(values: Environment): Config["gemini"] {
  return Object.freeze({
    apiKey: values.GEMINI_API_KEY,
    model: values.GEMINI_MODEL,
    models: Object.freeze([...new Set([values.GEMINI_MODEL, ...(values.GEMINI_MODELS ?? [])])]),
    baseUrl: values.GEMINI_BASE_URL,
    contextTokens: values.GEMINI_CONTEXT_TOKENS,
    fileTokens: values.GEMINI_FILE_TOKENS,
    imageModel: values.GEMINI_IMAGE_MODEL,
  });
}

function budgetsOf(values: Environment): Config["budgets"] {
  return Object.freeze({
    userDayTokens: values.BUDGET_TOKENS_PER_USER_DAY,
    chatDayTokens: values.BUDGET_TOKENS_PER_CHAT_DAY,
    userDayPictures: values.BUDGET_IMAGES_PER_USER_DAY,
    chatDayPictures: values.BUDGET_IMAGES_PER_CHAT_DAY,
    userAnswers: values.BUDGET_ANSWERS_PER_USER,
    chatAnswers: values.BUDGET_ANSWERS_PER_CHAT,
    allAnswers: values.BUDGET_ANSWERS_TOTAL,
  });
}

function mailOf({ NODE_ENV, SMTP_URL: url, MAIL_FROM: from }: Environment): Config["mail"] {
  if (url !== undefined && from !== undefined) return Object.freeze({ by: "smtp", url, from });
  return Object.freeze({ by: NODE_ENV === "development" ? "log" : "none" });
}

function vapidOf(values: Environment): VapidKeys | undefined {
  const { VAPID_PUBLIC_KEY: publicKey, VAPID_PRIVATE_KEY: privateKey } = values;
  if (publicKey === undefined || privateKey === undefined) return undefined;
  return Object.freeze({ publicKey, privateKey });
}

function tracingOf(values: Environment): Config["tracing"] {
  if (!values.OTEL_EXPORTER_OTLP_ENDPOINT) return undefined;
  return Object.freeze({
    endpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT,
    headers: Object.freeze(values.OTEL_EXPORTER_OTLP_HEADERS),
    serviceName: values.OTEL_SERVICE_NAME,
    sample: values.OTEL_TRACES_SAMPLER_ARG,
  });
}
