// Work that is too heavy for all to do at once: a few at a time, and so many may wait.

export interface Turns {
  /** Runs work when its turn comes, first come, first served. */
  <T>(work: () => Promise<T>): Promise<T>;
  /** Works that wait for their turn. */
  waitingCount(): number;
}

/**
 * @param runningMax works that run at once
 * @param waitingMax works that may wait; one more is refused at once
 * @param refusal what is thrown then
 */
export function createTurns({
  runningMax,
  waitingMax,
  refusal,
}: {
  runningMax: number;
  waitingMax: number;
  refusal: () => Error;
}): Turns {
  let running = 0;
  const waiting: (() => void)[] = [];

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (running >= runningMax) {
      if (waiting.length >= waitingMax) throw refusal();
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      running += 1;
    }
    try {
      return await work();
    } finally {
      // Whoever waits takes this place over, so that nobody who comes now is before them.
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  }

  return Object.assign(inTurn, { waitingCount: () => waiting.length });
}
