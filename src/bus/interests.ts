// The subjects that somebody on this server listens to. A subscription outlives its last listener for a while: people who
// reconnect, and clients that leave a room and join it again, should not cost two messages to NATS each time.
import type { Bus } from "./bus.ts";

const keptMs = 5_000;
/** Subjects without listeners that are kept. Beyond it, the oldest end early. */
const keptMax = 10_000;

export class Interests {
  readonly #bus: Bus;
  readonly #keptMs: number;
  /** How many reasons there are for each subject. */
  readonly #wanted = new Map<string, number>();
  /** When each subject without a reason ends, in the milliseconds of `performance.now()`, oldest first. */
  readonly #kept = new Map<string, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(bus: Bus, lingerMs = keptMs) {
    this.#bus = bus;
    this.#keptMs = lingerMs;
  }

  /** @returns whether the subscription is a new one */
  add(subject: string): boolean {
    const count = this.#wanted.get(subject) ?? 0;
    this.#wanted.set(subject, count + 1);
    if (count > 0 || this.#kept.delete(subject)) return false;
    this.#bus.subscribe(subject);
    return true;
  }

  /** Takes one {@link add} back. */
  remove(subject: string): void {
    const count = this.#wanted.get(subject) ?? 0;
    if (count > 1) return void this.#wanted.set(subject, count - 1);
    if (!this.#wanted.delete(subject)) return;
    this.#kept.set(subject, performance.now() + this.#keptMs);
    const [oldest = subject] = this.#kept.keys();
    if (this.#kept.size > keptMax) this.#end(oldest);
    this.#timer ??= setTimeout(() => this.#endExpired(), this.#keptMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #endExpired(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (const [subject, endsAt] of this.#kept) {
      if (endsAt > now) break;
      this.#end(subject);
    }
    if (this.#kept.size > 0) this.#timer = setTimeout(() => this.#endExpired(), this.#keptMs);
  }

  #end(subject: string): void {
    this.#kept.delete(subject);
    this.#bus.unsubscribe(subject);
  }
}
