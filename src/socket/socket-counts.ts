// The counts of the sockets of people over all servers. While the database is away, each server counts by itself.
import type { Logger } from "pino";
import { within } from "../schedule.ts";
import type { CountSockets } from "./count-queries.ts";
import { closeSocket } from "./sending.ts";
import type { Socket } from "./session.ts";

/** People who are counted by one statement. */
const pageSize = 500;
/** Sockets that open or close within this are counted together. */
const gatherMs = 5;
const retryMs = 1_000;
/** A socket that opens is not held up for longer by a slow database; if it is one too many, it is closed when that is known. */
const waitMs = 1_000;

export interface SocketCountsParts {
  count: CountSockets;
  log: Logger;
  /** The sockets of a person on this server, the newest one last. */
  socketsOf: (userId: number) => readonly Socket[];
}

export class SocketCounts {
  readonly #parts: SocketCountsParts;
  /** People whose sockets have to be counted. The promise settles when they have been, or could not be. */
  readonly #changed = new Map<number, PromiseWithResolvers<void>>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #counting: Promise<void> | undefined;

  constructor(parts: SocketCountsParts) {
    this.#parts = parts;
  }

  /** A socket of a person was opened or has closed. Settles when that was counted, or takes long. Never throws. */
  async changed(userId: number): Promise<void> {
    const { promise } = this.#changed.getOrInsertComputed(userId, () => Promise.withResolvers());
    this.#schedule(gatherMs);
    await within(waitMs, promise);
  }

  /** Settles when everything that has changed before was counted, or could not be. Never throws. */
  async flush(): Promise<void> {
    await this.#counting;
    await this.#start();
  }

  #schedule(delayMs: number): void {
    if (this.#counting) return;
    this.#timer ??= setTimeout(() => void this.#start(), delayMs);
  }

  #start(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#counting ??= this.#countAll().then((delayMs) => {
      this.#counting = undefined;
      if (this.#changed.size > 0) this.#schedule(delayMs);
    });
    return this.#counting;
  }

  /** @returns milliseconds to wait before the next call */
  async #countAll(): Promise<number> {
    while (this.#changed.size > 0) {
      const page = [...this.#changed].slice(0, pageSize);
      for (const [userId] of page) this.#changed.delete(userId);
      const isDone = await this.#countPage(page.map(([userId]) => userId));
      for (const [, { resolve }] of page) resolve();
      if (isDone) continue;
      for (const [userId] of page) {
        this.#changed.getOrInsertComputed(userId, () => Promise.withResolvers());
      }
      return retryMs;
    }
    return gatherMs;
  }

  async #countPage(userIds: readonly number[]): Promise<boolean> {
    const { count, socketsOf, log } = this.#parts;
    try {
      const people = userIds.map((userId) => ({ userId, count: socketsOf(userId).length }));
      const granted = await count(people);
      for (const { userId, count: had } of people) {
        for (const ws of socketsOf(userId).slice(granted.get(userId) ?? had, had)) {
          closeSocket(ws, "too_many_sockets", "close another socket of this account first");
        }
      }
      return true;
    } catch (error) {
      log.warn({ err: error }, "this server counts the sockets of people by itself for now");
      return false;
    }
  }
}
