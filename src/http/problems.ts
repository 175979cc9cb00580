import type { Logger } from "pino";
import { databaseAway, databaseError, isDatabaseAway, isLocked } from "../database/connect.ts";
import { isDeadlocked } from "../database/deadlocks.ts";
import { Problem } from "../wire/problems.ts";

/** The problem that a client is told of an error. A bug is logged with its stack and told as `internal`, without details. */
export function asProblem(log: Logger, error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (isDatabaseAway(error)) {
    log.warn({ code: databaseError(error)?.code }, "the database is away");
    return databaseAway(error);
  }
  if (isLocked(error) || isDeadlocked(error)) {
    return new Problem("unavailable", "The chat is busy right now. Try again in a moment.", {
      retryAfterSeconds: 2,
      cause: error,
    });
  }
  log.error({ err: error }, "unexpected error");
  return new Problem("internal", "Something went wrong on the server. It was logged.", {
    cause: error,
  });
}
