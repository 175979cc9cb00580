// The sockets of this server that watch people. All statuses are read from the database, those of people who are connected to this
// server, too, so that there is one way for them to come. It is read by one statement after the other: what an earlier one has
// found can't replace what a later one has.
import type { Sql } from "../database/connect.ts";
import type { PresenceFrame, UserPresence } from "../wire/presence.ts";
import type { PresenceSocket } from "./person.ts";
import { areTogether, findChanges, findPresence } from "./queries.ts";
import { unknownPresence, WatchedPeople, type Watch, type WatchedPair } from "./watched-people.ts";

/** Pairs or people that are read by one statement. */
const pageSize = 5_000;
/** After a longer break everything is read again, since membership changes are kept for an hour only. */
const breakMsMax = 20 * 60_000;

interface GreetedWatch extends Watch {
  /** Settles when the first frame was sent, or nobody waits for it any more. */
  readonly greeted: PromiseWithResolvers<void>;
}

export class PresenceWatches {
  readonly #sql: Sql;
  readonly #flush: () => Promise<void>;
  readonly #bySocket = new Map<PresenceSocket, GreetedWatch>();
  readonly #people = new WatchedPeople();
  /** Watches that have not been sent a frame. */
  readonly #waiting = new Set<GreetedWatch>();
  #due: PromiseWithResolvers<void> | undefined;
  #isRunning = false;
  /** The place up to which changes were read; undefined while nobody watches. */
  #cursor: string | undefined;
  #servers = "";
  #readAtMs = 0;

  /** @param flush writes what this server knows and the database does not have yet */
  constructor(sql: Sql, flush: () => Promise<void>) {
    this.#sql = sql;
    this.#flush = flush;
  }

  /** Sockets that watch anybody. */
  get size(): number {
    return this.#bySocket.size;
  }

  /**
   * Makes a socket watch these people and none else. Settles when it has been sent their statuses.
   * @throws Error when the database cannot be reached; the socket then watches nobody
   */
  async watch(socket: PresenceSocket, userIds: readonly number[]): Promise<void> {
    this.end(socket);
    if (userIds.length === 0 || !socket.open) return;
    const greeted = Promise.withResolvers<void>();
    const watch: GreetedWatch = { socket, userIds: [...new Set(userIds)], greeted };
    this.#bySocket.set(socket, watch);
    this.#waiting.add(watch);
    void this.#run();
    await greeted.promise;
  }

  /** Ends the watch of a socket, if it has one. */
  end(socket: PresenceSocket): void {
    const watch = this.#bySocket.get(socket);
    if (!watch) return;
    this.#bySocket.delete(socket);
    this.#people.remove(watch);
    this.#waiting.delete(watch);
    watch.greeted.resolve();
  }

  /**
   * Sends what has changed since the last call, one frame to a socket. A recurring task calls it.
   * @throws Error when the database cannot be reached; the next call makes up for it
   */
  async poll(): Promise<void> {
    this.#due ??= Promise.withResolvers();
    const { promise } = this.#due;
    void this.#run();
    await promise;
  }

  /** Reads what is asked for, one after the other. Never throws. */
  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    while (this.#due || this.#waiting.size > 0) {
      const due = this.#due;
      this.#due = undefined;
      if (due) await this.#readChanges().then(due.resolve, due.reject);
      await this.#greet();
    }
    this.#isRunning = false;
  }

  async #readChanges(): Promise<void> {
    if (this.#bySocket.size === 0) {
      this.#cursor = undefined;
      return;
    }
    const readAtMs = performance.now();
    const changes = await findChanges(this.#sql, this.#cursor);
    const servers = changes.servers.join();
    if (this.#cursor !== undefined) {
      const isLate = readAtMs - this.#readAtMs > breakMsMax;
      // The people of a server that is gone, or is back, change without a change of their rows.
      const isAll = isLate || servers !== this.#servers;
      try {
        await this.#checkMembers(isLate ? undefined : changes.members);
        await this.#readAgain(isAll ? undefined : changes.people);
      } finally {
        this.#sendNews();
      }
    }
    this.#cursor = changes.cursor;
    this.#servers = servers;
    this.#readAtMs = readAtMs;
  }

  /** Sends the first frames of some of the watches that wait for them. Never throws. */
  async #greet(): Promise<void> {
    const watches = this.#takeWaiting();
    if (watches.length === 0) return;
    try {
      await this.#flush();
      // From this cursor on no change is missed.
      if (this.#cursor === undefined) await this.#readChanges();
      const pairs = watches.flatMap((watch) => watch.userIds.map((userId) => ({ watch, userId })));
      const together = await areTogether(this.#sql, pairs.map(idsOf));
      const friends = pairs.filter((_, place) => together[place]);
      const found = await this.#find(new Set(friends.map(({ userId }) => userId)));
      for (const presence of found.values()) this.#people.learn(presence);
      const friendsOf = Map.groupBy(friends, ({ watch }) => watch);
      for (const watch of watches) {
        // It may have closed meanwhile.
        if (this.#bySocket.get(watch.socket) !== watch) continue;
        const ids = friendsOf.get(watch)?.map(({ userId }) => userId) ?? [];
        this.#people.add(watch, new Set(ids), found);
      }
      this.#sendNews();
      for (const watch of watches) watch.greeted.resolve();
    } catch (error) {
      for (const watch of watches) {
        watch.greeted.reject(error);
        if (this.#bySocket.get(watch.socket) === watch) this.end(watch.socket);
      }
    }
  }

  #takeWaiting(): GreetedWatch[] {
    const watches: GreetedWatch[] = [];
    let pairs = 0;
    for (const watch of this.#waiting) {
      pairs += watch.userIds.length;
      if (pairs > pageSize && watches.length > 0) break;
      this.#waiting.delete(watch);
      watches.push(watch);
    }
    return watches;
  }

  /** Finds out who is in a chat with whom now. @param userIds people who came or went; undefined for everybody */
  async #checkMembers(userIds: readonly number[] | undefined): Promise<void> {
    const unknown = new Set<number>();
    for (const pairs of pages(this.#people.pairsOf(userIds))) {
      const together = await areTogether(this.#sql, pairs.map(idsOf));
      for (const [place, pair] of pairs.entries()) {
        const isNew = this.#people.setTogether(pair, together[place] ?? false);
        if (isNew) unknown.add(pair.userId);
      }
    }
    await this.#readAgain([...unknown]);
  }

  /** @param userIds people who may have changed; undefined for everybody */
  async #readAgain(userIds: readonly number[] | undefined): Promise<void> {
    const shown = userIds?.filter((userId) => this.#people.isShown(userId));
    for (const page of pages(shown ?? this.#people.shownIds())) {
      for (const presence of (await this.#find(new Set(page))).values()) {
        this.#people.learn(presence);
      }
    }
  }

  async #find(userIds: ReadonlySet<number>): Promise<Map<number, UserPresence>> {
    const found = new Map(Array.from(userIds, (userId) => [userId, unknownPresence(userId)]));
    for (const page of pages(userIds)) {
      for (const presence of await findPresence(this.#sql, page)) {
        found.set(presence.user_id, presence);
      }
    }
    return found;
  }

  #sendNews(): void {
    for (const [{ socket }, users] of this.#people.takeNews()) {
      const frame: PresenceFrame = { type: "presence", users };
      socket.send(JSON.stringify(frame));
    }
  }
}

const idsOf = ({ watch, userId }: WatchedPair) => ({ watcherId: watch.socket.userId, userId });

/** Cuts a list into pages, which are taken from it as it is at that time. */
function* pages<T>(list: Iterable<T>): Generator<T[]> {
  let page: T[] = [];
  for (const item of list) {
    page.push(item);
    if (page.length < pageSize) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}
