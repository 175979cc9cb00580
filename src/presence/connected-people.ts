// The people who are connected to this server, and the writing of their statuses to the database.
import type { Logger } from "pino";
import type { Sql } from "../database/connect.ts";
import { itemsOf, withItem, withoutItem } from "../realtime/compact-list.ts";
import type { OwnStatus } from "../wire/presence.ts";
import {
  isIdle,
  newPerson,
  setClaim,
  statusOf,
  type Person,
  type PresenceSocket,
} from "./person.ts";
import { renewLease, shortenLease, writePresence, type OwnPresence } from "./queries.ts";

/** People whose statuses are written in one statement. */
const pageSize = 1_000;
/** After a statement that failed, the next one waits for so long. */
const retryMs = 1_000;
/** Changes are gathered for so long before they are written. */
const writeMs = 100;

/** Durations in milliseconds. */
export interface ConnectedDurations {
  /** Somebody whose last socket has closed counts as connected for so long. */
  holdMs: number;
  /** Without a frame for so long a person is away. */
  idleMs: number;
  /** After its last renewal a server's people count as connected for so long. */
  leaseMs: number;
}

interface ConnectedParts {
  sql: Sql;
  log: Logger;
  now: () => Date;
  /** Is called when changes were written. */
  onWritten?: (() => void) | undefined;
}

export class ConnectedPeople {
  /** A new one for each life of the process: the rows of an earlier life end with their own lease. */
  readonly serverId = crypto.randomUUID();
  readonly #sql: Sql;
  readonly #log: Logger;
  readonly #now: () => Date;
  readonly #durations: ConnectedDurations;
  readonly #onWritten: () => void;
  readonly #people = new Map<number, Person>();
  /** People whose status may differ from the one that is written. */
  readonly #changed = new Set<number>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> | undefined;
  #hasLease = false;
  #renewing: Promise<boolean> | undefined;
  #isStopped = false;

  constructor(
    { sql, log, now, onWritten = () => {} }: ConnectedParts,
    durations: ConnectedDurations,
  ) {
    this.#sql = sql;
    this.#log = log;
    this.#now = now;
    this.#durations = durations;
    this.#onWritten = onWritten;
  }

  /** People who are connected, or were a moment ago. */
  get size(): number {
    return this.#people.size;
  }

  connected(socket: PresenceSocket): void {
    if (this.#isStopped) return;
    const { userId } = socket;
    const person = this.#people.getOrInsertComputed(userId, newPerson);
    clearTimeout(person.hold);
    person.hold = undefined;
    person.goneAtMs = undefined;
    person.sockets = withItem(person.sockets, socket);
    person.activeAtMs = this.#nowMs();
    this.#note(userId);
  }

  disconnected(socket: PresenceSocket): void {
    const person = this.#people.get(socket.userId);
    if (!person || !itemsOf(person.sockets).includes(socket)) return;
    person.sockets = withoutItem(person.sockets, socket);
    setClaim(person, socket, undefined);
    if (this.#isStopped) return;
    if (person.sockets) return this.#note(socket.userId);
    person.goneAtMs = this.#nowMs();
    person.hold = setTimeout(() => {
      person.hold = undefined;
      this.#note(socket.userId);
    }, this.#durations.holdMs);
  }

  /** Takes the status that a client claims for its person. It holds until the client claims another one. */
  claim(socket: PresenceSocket, status: OwnStatus): void {
    const person = this.#people.get(socket.userId);
    if (!person || !itemsOf(person.sockets).includes(socket)) return;
    setClaim(person, socket, status);
    this.#note(socket.userId);
  }

  /** A frame came that a person, or a client on behalf of one, has sent. */
  active({ userId }: PresenceSocket): void {
    const person = this.#people.get(userId);
    if (!person) return;
    const nowMs = this.#nowMs();
    const wasIdle = isIdle(person, nowMs, this.#durations.idleMs);
    person.activeAtMs = nowMs;
    if (wasIdle) this.#note(userId);
  }

  /** Finds people who have become idle. A recurring task calls it. */
  checkIdle(): void {
    const nowMs = this.#nowMs();
    for (const [userId, person] of this.#people) {
      if (person.written === "online" && isIdle(person, nowMs, this.#durations.idleMs))
        this.#note(userId);
    }
  }

  /** Settles when everything that has changed before is written, or could not be. Never throws. */
  async flush(): Promise<void> {
    await this.#writing;
    if (this.#changed.size === 0 || this.#isStopped) return;
    clearTimeout(this.#timer);
    await this.#startWriting();
  }

  /** Settles when this server, on which somebody is connected, has a lease. @throws Error when the database cannot be reached */
  async ready(): Promise<void> {
    if (!this.#hasLease) await this.renew();
  }

  /**
   * Renews the lease of this server, if somebody has been connected. A recurring task calls it.
   * @throws Error when the database cannot be reached
   */
  async renew(): Promise<void> {
    if (this.#isStopped || (this.#people.size === 0 && !this.#hasLease)) return;
    this.#renewing ??= renewLease(this.#sql, this.serverId, this.#durations.leaseMs).finally(() => {
      this.#renewing = undefined;
    });
    const wasLive = await this.#renewing;
    if (this.#hasLease && !wasLive) {
      for (const [userId, person] of this.#people) {
        person.written = undefined;
        this.#note(userId);
      }
    }
    this.#hasLease = true;
  }

  /**
   * Ends the writing. The people stay connected for twice the hold, so that nobody who moves to another server seems to go offline.
   * Never throws.
   */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    for (const { hold } of this.#people.values()) clearTimeout(hold);
    // A renewal that is stored afterwards would take it back.
    await Promise.allSettled([this.#renewing, this.#writing]);
    if (!this.#hasLease) return;
    try {
      await shortenLease(this.#sql, this.serverId, 2 * this.#durations.holdMs);
    } catch (error) {
      this.#log.warn({ err: error }, "the lease of this server's people could not be shortened");
    }
  }

  #nowMs(): number {
    return this.#now().getTime();
  }

  #note(userId: number): void {
    this.#changed.add(userId);
    this.#schedule(writeMs);
  }

  #schedule(delayMs: number): void {
    if (this.#timer !== undefined || this.#writing || this.#isStopped) return;
    this.#timer = setTimeout(() => void this.#startWriting(), delayMs);
  }

  #startWriting(): Promise<void> {
    this.#timer = undefined;
    this.#writing ??= this.#write().then((delayMs) => {
      this.#writing = undefined;
      if (this.#changed.size > 0) this.#schedule(delayMs);
    });
    return this.#writing;
  }

  /** Writes everything that has changed. Never throws. @returns milliseconds to wait before the next call */
  async #write(): Promise<number> {
    let page: OwnPresence[] = [];
    try {
      if (!this.#hasLease) await this.renew();
      for (page = this.#takePage(); page.length > 0; page = this.#takePage()) {
        await writePresence(this.#sql, this.serverId, page);
        for (const own of page) this.#wrote(own);
        this.#onWritten();
      }
      return writeMs;
    } catch (error) {
      if (!this.#isStopped) {
        this.#log.warn({ err: error }, "presence could not be written; it will be tried again");
      }
      for (const { userId } of page) {
        const person = this.#people.get(userId);
        // The statement may have taken effect.
        if (person) person.written = undefined;
        this.#changed.add(userId);
      }
      return retryMs;
    }
  }

  #takePage(): OwnPresence[] {
    const nowMs = this.#nowMs();
    const page: OwnPresence[] = [];
    for (const userId of this.#changed) {
      if (page.length >= pageSize) break;
      this.#changed.delete(userId);
      const person = this.#people.get(userId);
      // The end of the hold notes the person again.
      if (!person || person.hold !== undefined) continue;
      const status = statusOf(person, nowMs, this.#durations.idleMs);
      if (status === person.written) continue;
      page.push({ userId, status, goneForMs: nowMs - (person.goneAtMs ?? nowMs) });
    }
    return page;
  }

  #wrote({ userId, status }: OwnPresence): void {
    const person = this.#people.get(userId);
    if (!person) return;
    person.written = status;
    const isGone = person.sockets === undefined && person.hold === undefined;
    if (isGone && status === "offline") this.#people.delete(userId);
  }
}
