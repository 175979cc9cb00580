/**
 * A value that can be watched. Both functions can be passed to React's `useSyncExternalStore` as they are: a snapshot is
 * immutable, and stays the same object until the value changes.
 */
export interface Observable<T> {
  /** @returns a function that ends the subscription */
  subscribe(this: void, listener: () => void): () => void;
  getSnapshot(this: void): T;
}

export interface Observed<T> {
  observable: Observable<T>;
  /** The value has changed. Listeners are called once for all changes of one turn of the event loop. */
  changed(this: void): void;
  /** Ends all subscriptions. */
  end(this: void): void;
}

export function observe<T extends object>(build: () => T): Observed<T> {
  const listeners = new Set<() => void>();
  let snapshot: T | undefined;
  let isScheduled = false;

  function callListeners() {
    isScheduled = false;
    for (const listener of listeners) {
      // A listener that throws must not keep the others from being called.
      queueMicrotask(() => listeners.has(listener) && listener());
    }
  }

  return {
    observable: {
      subscribe(listener) {
        // Subscribing the same function twice makes two subscriptions.
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
      queueMicrotask(callListeners);
    },
    end: () => listeners.clear(),
  };
}
