// PostgreSQL ends one of the statements that wait for each other. Statements lock rows in the same order, and yet two that lock
// a row and then change it may meet where a third has locked the row's key: a statement that waits for a row that is being
// changed stays in the queue for the old version while it waits for the new one.
import { databaseError, type Sql } from "./connect.ts";

const triesMax = 4;

/** Whether PostgreSQL has ended a statement because it and another one waited for each other. It has written nothing. */
export function isDeadlocked(error: unknown): boolean {
  return databaseError(error)?.code === "40P01";
}

/**
 * The same pool, which runs an awaited statement again, at most three times, when a deadlock has ended it. Statements of
 * `reserve`, `begin` and `unsafe` are not repeated.
 */
export function repeatedAfterDeadlocks(sql: Sql): Sql {
  return new Proxy(sql, {
    apply(target, self, args) {
      const run = (): unknown => Reflect.apply(target, self, args);
      const query = run();
      if (query instanceof Promise) repeat(query, run);
      return query;
    },
  });
}

/** Replaces `then`, whose first call is when postgres.js runs a statement. As a fragment of another one it works as before. */
function repeat(query: Promise<unknown>, run: () => unknown): void {
  const then = query.then.bind(query);
  let result: Promise<unknown> | undefined;
  const again = async (error: unknown): Promise<unknown> => {
    for (let tries = 2; isDeadlocked(error) && tries <= triesMax; tries += 1) {
      try {
        return await run();
      } catch (next) {
        error = next;
      }
    }
    throw error;
  };
  Object.defineProperty(query, "then", {
    value: (...handlers: Parameters<typeof then>) =>
      (result ??= then(undefined, again)).then(...handlers),
    configurable: true,
  });
}
