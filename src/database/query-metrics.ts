// postgres.js says nothing of its pool's use. What can be known outside of it: which statements were begun, and have not
// ended. It hands each to a connection or keeps it until one is free, so that both are counted alike.
import type { Sql } from "./connect.ts";

export interface QueryObserver {
  queryBegan(): void;
  queryEnded(ms: number, failed: boolean): void;
}

/**
 * The same pool, with each statement that is awaited told to the observer. A fragment, which is only part of another
 * statement, is never awaited. Statements of `reserve`, `begin` and `unsafe` are not seen.
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

/** A statement runs when its `then` is first called. */
function observe(query: Promise<unknown>, observer: QueryObserver) {
  const then = query.then.bind(query);
  Object.defineProperty(query, "then", {
    value(...handlers: Parameters<typeof then>) {
      Reflect.deleteProperty(query, "then");
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
