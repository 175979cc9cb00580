import { pino, type DestinationStream, type Logger } from "pino";
import type { Config } from "../config/config.ts";

// No field of these names is ever written, wherever it stands: the last line of defence, since none is logged on purpose.
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
/** In these PostgreSQL quotes the rows and statements that an error is about, with e-mail addresses and hashes. */
const quotingFields = ["err.detail", "err.where", "err.internal_query"];

/** Structured logs on stdout: JSON in production, readable elsewhere. JSON too where a `destination` is given. */
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
  if (config.production) return pino(options);
  // A container has the packages of production only, whatever NODE_ENV it runs with.
  const pretty = await import("pino-pretty").catch(() => undefined);
  if (!pretty) return pino(options);
  const format = { sync: true, ignore: "pid,hostname", translateTime: "SYS:HH:MM:ss.l" };
  return pino(options, pretty.default(format));
}
