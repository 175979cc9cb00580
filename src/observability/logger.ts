import { pino, type DestinationStream, type Logger, type LoggerOptions } from "pino";
import type { Config } from "../config/config.ts";

// Fields of these names are never written, at the top or one level below. None is logged on purpose: this is the last
// line of defence.
const secretFields = [
  "password",
  "current_password",
  "new_password",
  "hashed_password",
  "token",
  "access_token",
  "refresh_token",
  "ticket",
  "apiKey",
  "authorization",
];
/** In these fields PostgreSQL quotes rows and statements, with e-mail addresses and hashes. */
const quotingFields = ["err.detail", "err.where", "err.internal_query"];

/** Structured logs on stdout: JSON in production and where a `destination` is given, readable text elsewhere. */
export async function createLogger(
  config: Config,
  destination?: DestinationStream,
): Promise<Logger> {
  const options = {
    level: config.logLevel,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: [...secretFields.flatMap((field) => [field, `*.${field}`]), ...quotingFields],
  };
  if (destination) return pino(options, destination);
  if (config.production) return onStdout(options);
  // A container has no development packages, whatever NODE_ENV it runs with.
  const pretty = await import("pino-pretty").catch(() => undefined);
  if (!pretty) return onStdout(options);
  const format = { sync: true, ignore: "pid,hostname", translateTime: "SYS:HH:MM:ss.l" };
  return pino(options, pretty.default(format));
}

/**
 * Lines that cannot be written, since the disk is full or nobody reads the pipe any more, are lost. An error that nobody listens
 * for would end the server.
 */
function onStdout(options: LoggerOptions): Logger {
  process.stdout.on("error", () => {});
  return pino(options, process.stdout);
}
