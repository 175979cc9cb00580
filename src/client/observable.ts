/**
 * Something to watch. Both functions can be handed to React's `useSyncExternalStore` as they are: a snapshot is never
 * changed, and stays the same object until there is something new.
 */
export interface Observable<T> {
  /** @returns a function that ends the subscription */
  subscribe(this: void, listener: () => void): () => void;
  getSnapshot(this: void): T;
}

export interface Observed<T> {
  observable: Observable<T>;
  /** Something is new. Listeners are told once for everything that happens in one turn. */
  changed(): void;
  /** Nobody is told of anything any more. */
  end(): void;
}

export function observe<T extends object>(build: () => T): Observed<T> {
  const listeners = new Set<() => void>();
  let snapshot: T | undefined;
  let isScheduled = false;

  function tell() {
    isScheduled = false;
    for (const listener of [...listeners]) {
      // One that throws must not keep it from the others.
      queueMicrotask(() => listeners.has(listener) && listener());
    }
  }

  return {
    observable: {
      subscribe(listener) {
        // Each subscription is its own, even of the same function twice.
        const own = () => listener();
        listeners.add(own);
        return () => void listeners.delete(own);
      },
      getSnapshot: () => (snapshot ??= Object.freeze(build())),
    },
    changed() {
      snapshot = undefined;
      if (isScheduled) return;
      isScheduled = true;
      queueMicrotask(tell);
    },
    end: () => listeners.clear(),
  };
}
