// Metrics of statements. postgres.js doesn't report the use of its pool, so statements are counted from their beginning to
// their end, whether they run on a connection or wait for one.
import type { Sql } from "./connect.ts";

export interface QueryObserver {
  queryBegan(): void;
  queryEnded(ms: number, failed: boolean): void;
}

/**
 * The same pool, which reports each awaited statement to the observer. A fragment is only part of another statement, and is
 * never awaited. Statements of `reserve`, `begin` and `unsafe` are not reported.
 */
export function observed(sql: Sql, observer: QueryObserver): Sql {
  return new Proxy(sql, {
    apply(target, self, args) {
      const query: unknown = Reflect.apply(target, self, args);
      if (query instanceof Promise) observe(query, observer);
      return query;
    },
  });
}

/** Reports a statement when its `then` is first called, which is when postgres.js runs it. */
function observe(query: Promise<unknown>, observer: QueryObserver) {
  const then = query.then.bind(query);
  Object.defineProperty(query, "then", {
    value(...handlers: Parameters<typeof then>) {
      // Later calls, of which the first one's own `then` is one, are not reported again.
      Object.defineProperty(query, "then", { value: then });
      observer.queryBegan();
      const beganAt = performance.now();
      const ended = (failed: boolean) => () =>
        observer.queryEnded(performance.now() - beganAt, failed);
      void then(ended(false), ended(true));
      return then(...handlers);
    },
    configurable: true,
  });
}
