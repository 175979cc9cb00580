// The variables of the environment and their values.
import { z } from "zod";
import { natsPrefix } from "./bus-settings.ts";
import { databaseAddress } from "./database-address.ts";
import {
  headerList,
  httpUrl,
  listenHost,
  modelName,
  networks,
  origins,
  publicUrl,
  returnAddresses,
  scanAddress,
  share,
  smtpUrl,
  storeUrl,
  wholeNumber,
} from "./setting-types.ts";

const metricsTokenMin = 16;
const mebibyte = 1024 * 1024;

export const Environment = z.object({
  NODE_ENV: z.enum(["production", "development", "test"]).default("development"),
  HOST: listenHost.default("0.0.0.0"),
  PORT: wholeNumber(8000, 0, 65_535),
  DATABASE_URL: databaseAddress.optional(),
  NATS_URL: z.string().optional(),
  NATS_USER: z.string().optional(),
  NATS_PASSWORD: z.string().optional(),
  NATS_TOKEN: z.string().optional(),
  NATS_NKEY: z.string().optional(),
  NATS_CREDS: z.string().optional(),
  NATS_TLS_CA: z.string().optional(),
  NATS_TLS_CERT: z.string().optional(),
  NATS_TLS_KEY: z.string().optional(),
  NATS_PREFIX: z.string().default(natsPrefix),
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
  GEMINI_IMAGE_MODEL: modelName.optional(),
  GEMINI_BASE_URL: httpUrl.optional(),
  GEMINI_CONTEXT_TOKENS: wholeNumber(32_000, 0, 2_000_000),
  GEMINI_FILE_TOKENS: wholeNumber(64_000, 0, 2_000_000),
  PUBLIC_URL: publicUrl.optional(),
  SMTP_URL: smtpUrl.optional(),
  MAIL_FROM: z
    .string()
    .max(320, "must have at most 320 characters")
    .regex(
      /^[^\r\n<>]*<[^\s<>@]+@[^\s<>@]+>$|^[^\s<>@]+@[^\s<>@]+$/,
      "must be an address such as a@b.c or Name <a@b.c>",
    )
    .optional(),
  OAUTH_GOOGLE_CLIENT_ID: z.string().optional(),
  OAUTH_GOOGLE_CLIENT_SECRET: z.string().optional(),
  OAUTH_GITHUB_CLIENT_ID: z.string().optional(),
  OAUTH_GITHUB_CLIENT_SECRET: z.string().optional(),
  OAUTH_GITHUB_URL: publicUrl.default("https://github.com"),
  OIDC_ISSUER: httpUrl.optional(),
  OIDC_CLIENT_ID: z.string().optional(),
  OIDC_CLIENT_SECRET: z.string().optional(),
  OIDC_NAME: z.string().max(50, "may have at most 50 characters").default("Single sign-on"),
  OAUTH_RETURN_TO: returnAddresses.default([]),
  CORS_ORIGINS: origins.default(["http://localhost:3000", "http://localhost:3001"]),
  VAPID_PUBLIC_KEY: z.string().optional(),
  VAPID_PRIVATE_KEY: z.string().optional(),
  WEBHOOK_ALLOW: networks.default([]),
  TRUSTED_PROXIES: networks.default([]),
  WEB_PAGE: z.enum(["on", "off"]).default("on"),
  RATE_LIMITS: z
    .enum(["on", "memory", "postgres", "off"])
    .transform((store) => (store === "on" ? undefined : store))
    .optional(),
  RATE_USER_FACTOR: wholeNumber(1, 1, 1_000),
  RATE_ADDRESS_FACTOR: wholeNumber(1, 1, 1_000),
  SOCKETS_PER_USER: wholeNumber(50, 0, 1_000_000),
  SOCKETS_PER_ADDRESS: wholeNumber(1_000, 0, 1_000_000),
  BUDGET_TOKENS_PER_USER_DAY: wholeNumber(1_000_000, 0, 1_000_000_000_000),
  BUDGET_TOKENS_PER_CHAT_DAY: wholeNumber(5_000_000, 0, 1_000_000_000_000),
  BUDGET_IMAGES_PER_USER_DAY: wholeNumber(20, 0, 1_000_000),
  BUDGET_IMAGES_PER_CHAT_DAY: wholeNumber(100, 0, 1_000_000),
  BUDGET_ANSWERS_PER_USER: wholeNumber(5, 0, 100_000),
  BUDGET_ANSWERS_PER_CHAT: wholeNumber(20, 0, 100_000),
  BUDGET_ANSWERS_TOTAL: wholeNumber(100, 0, 100_000),
  FILE_BYTES_MAX: wholeNumber(64 * mebibyte, 1, 1024 * 1024 * mebibyte),
  FILE_BYTES_PER_USER_DAY: wholeNumber(2048 * mebibyte, 0, 1_000_000_000_000_000),
  FILE_BYTES_PER_CHAT_DAY: wholeNumber(10_240 * mebibyte, 0, 1_000_000_000_000_000),
  FILES_DIR: z.string().optional(),
  FILES_VIA: z.enum(["proxy", "signed"]).default("proxy"),
  S3_ENDPOINT: storeUrl.optional(),
  S3_REGION: z.string().optional(),
  S3_BUCKET: z.string().optional(),
  S3_ACCESS_KEY_ID: z.string().optional(),
  S3_SECRET_ACCESS_KEY: z.string().optional(),
  SCAN_URL: scanAddress.optional(),
  SCAN_FAILURE: z.enum(["refuse", "allow"]).default("refuse"),
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
export type Environment = z.infer<typeof Environment>;
