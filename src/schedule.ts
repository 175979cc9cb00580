import type { Logger } from "pino";

/**
 * Runs a task every `intervalMs`, never twice at once. A failure is logged, and the task runs again at the next interval.
 * @param atOnce whether it also runs now
 * @returns a function that stops it
 */
export function every(
  intervalMs: number,
  name: string,
  log: Logger,
  task: () => Promise<void> | void,
  { atOnce = false }: { atOnce?: boolean } = {},
): () => void {
  let running = false;
  async function run() {
    if (running) return;
    running = true;
    try {
      await task();
    } catch (error) {
      log.warn({ err: error, task: name }, "a recurring task failed; it will be tried again");
    } finally {
      running = false;
    }
  }
  const timer = setInterval(run, intervalMs);
  if (atOnce) void run();
  return () => clearInterval(timer);
}

/** Intervals that a task of {@link resting} leaves out. */
const restedIntervals = 4;

/**
 * Makes a task for {@link every} of one whose work nobody waits for. It rests for some intervals when there was nothing to do.
 * @param task settles with whether there was something to do
 */
export function resting(task: () => Promise<boolean>): () => Promise<void> {
  let left = 0;
  return async () => {
    if (left > 0) left -= 1;
    else if (!(await task())) left = restedIntervals;
  };
}

/**
 * Makes a function that runs a task after all its earlier calls have ended. A call that comes while another one waits for its
 * turn settles with that one.
 */
export function inTurn(task: () => Promise<void>): () => Promise<void> {
  let running = Promise.resolve();
  let waiting: Promise<void> | undefined;
  return () => {
    if (waiting) return waiting;
    const turn = running.then(() => {
      waiting = undefined;
      return task();
    });
    waiting = turn;
    running = turn.catch(() => undefined);
    return turn;
  };
}

/**
 * Makes a function that has a task run soon, but not within `intervalMs` after its last run has begun. Calls until then are one.
 * A failure is logged.
 */
export function soon(
  intervalMs: number,
  name: string,
  log: Logger,
  task: () => Promise<void>,
): () => void {
  let begunAtMs = -Infinity;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const run = () => {
    timer = undefined;
    begunAtMs = performance.now();
    task().catch((error: unknown) => {
      log.warn({ err: error, task: name }, "a task failed; it will be tried again");
    });
  };
  return () => {
    timer ??= setTimeout(run, Math.max(0, begunAtMs + intervalMs - performance.now()));
  };
}

/** Pages that one {@link inPages} deletes at most, so that a long backlog does not make a long task. */
const pagesMax = 200;

/**
 * Deletes rows that nobody needs any more in pages, so that no statement takes long, until there are no more of them. One page at each
 * call could be fewer rows than come in between two calls.
 * @param deletePage deletes up to `pageSize` rows. @returns how many
 * @returns how many rows were deleted
 */
export async function inPages(
  pageSize: number,
  deletePage: (pageSize: number) => Promise<number>,
): Promise<number> {
  let deleted = 0;
  for (let page = 0; page < pagesMax; page += 1) {
    const count = await deletePage(pageSize);
    deleted += count;
    if (count < pageSize) break;
  }
  return deleted;
}

/** Settles with `work` or after `timeoutMs`, whichever is first. @returns whether the work was done in time */
export async function within(timeoutMs: number, work: Promise<unknown>): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, timeoutMs, false);
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
