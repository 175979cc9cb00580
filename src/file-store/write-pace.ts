import { readFileSync } from "node:fs";

/** A write to the cache of the operating system takes 0.2 ms. One that takes longer than this waits for the disk. */
const slowWriteMs = 5;
/** Slow writes may take one part in so many of the event loop's time. */
const lossFactor = 20;
/** Slow writes may take so many milliseconds more: a disk that is not slow has some writes of 10 to 30 ms. */
const lossAllowedMs = 50;
const restMaxMs = 60_000;
/** A reading of the time without a processor costs 10 µs: it serves the writes that begin so soon after it. */
const readingMs = 10;

/** Clocks in milliseconds that never go back. */
interface Clocks {
  nowMs: () => number;
  /** For how long this thread could run, and had no processor; undefined where that is not known. */
  withoutProcessorMs: () => number | undefined;
}

/**
 * Decides whether the event loop itself writes a chunk of a file, or a thread does. A thread costs more than a write to the cache of the
 * operating system, and lets the sockets fill memory meanwhile; a slow disk would hold the event loop. At most a twentieth of its time and
 * 50 ms are lost to slow writes, and one of them in a minute to a disk that stands still. A write that lost its processor to another program is
 * not slow: it would be no sooner in a thread. The reading of that time may be 10 ms older than the write.
 */
export class WritePace {
  readonly #clocks: Clocks;
  /** When what was lost will be a twentieth of the time. */
  #evenAtMs = -Infinity;
  #reading = { atMs: -Infinity, withoutProcessorMs: 0 };

  constructor(clocks: Clocks = { nowMs: () => performance.now(), withoutProcessorMs }) {
    this.#clocks = clocks;
  }

  /** Whether writes are to be left to the threads now. */
  get isSlow(): boolean {
    return this.#clocks.nowMs() < this.#evenAtMs - lossFactor * lossAllowedMs;
  }

  /** Writes on the event loop, and takes the time. @returns what `write` returns */
  timed<T>(write: () => T): T {
    const beganMs = this.#clocks.nowMs();
    if (beganMs - this.#reading.atMs > readingMs) this.#read(beganMs);
    const before = this.#reading.withoutProcessorMs;
    const result = write();
    const endedMs = this.#clocks.nowMs();
    let tookMs = endedMs - beganMs;
    if (tookMs > slowWriteMs) tookMs -= this.#read(endedMs) - before;
    if (tookMs > slowWriteMs) this.#lose(tookMs, endedMs);
    return result;
  }

  #lose(lostMs: number, nowMs: number): void {
    const evenAtMs = Math.max(nowMs, this.#evenAtMs) + lossFactor * lostMs;
    this.#evenAtMs = Math.min(evenAtMs, nowMs + restMaxMs + lossFactor * lossAllowedMs);
  }

  #read(atMs: number): number {
    const withoutProcessorMs =
      this.#clocks.withoutProcessorMs() ?? this.#reading.withoutProcessorMs;
    this.#reading = { atMs, withoutProcessorMs };
    return withoutProcessorMs;
  }
}

/** Only Linux counts it for each thread. */
function withoutProcessorMs(): number | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const [, nanoseconds = "0"] = readFileSync("/proc/thread-self/schedstat", "latin1").split(" ");
    return Number(nanoseconds) / 1e6;
  } catch {
    // A kernel or a sandbox that does not tell: such a write counts as slow.
    return undefined;
  }
}
