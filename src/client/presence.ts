// `gemini-coop/client/presence`: who is online, away or offline.
import type { ServerFrame } from "../wire/server-frames.ts";
import type { OwnStatus, UserPresence } from "../wire/presence.ts";
import type { Client } from "./client.ts";
import { observe, type Observable } from "./observable.ts";

export type { OwnStatus, UserPresence } from "../wire/presence.ts";

export interface PresenceSnapshot {
  /** By user id; people of whom nothing is known yet are left out, and everybody is while there is no connection. */
  readonly people: ReadonlyMap<number, UserPresence>;
}

export interface Presence extends Observable<PresenceSnapshot> {
  /** Watches these people, at most 500, in place of those before. The server shows those who share a chat with the person. */
  watch(userIds: readonly number[]): void;
  /** Says whether the person is there in this client. They are away when all of their clients have said so. */
  setStatus(status: OwnStatus): void;
  /** Ends the watch and all subscriptions. */
  close(): void;
}

export interface PresenceOptions {
  /**
   * Milliseconds within which the server says something of everybody who is watched. Otherwise the watch is repeated: it may have been
   * refused, or lost. Each further repetition waits twice as long, up to a minute. Default: 5 s
   */
  retryMs?: number;
}

const defaultRetryMs = 5_000;
const retryMsMax = 60_000;
/** Repetitions for one list on one socket. */
const retriesMax = 10;

/** The presence of people around a client's person. One client has one list of watched people: make this once for each. */
export function createPresence(client: Client, options: PresenceOptions = {}): Presence {
  return new WatchedPresence(client, options.retryMs ?? defaultRetryMs);
}

class WatchedPresence implements Presence {
  readonly subscribe: Presence["subscribe"];
  readonly getSnapshot: Presence["getSnapshot"];
  readonly #client: Client;
  readonly #observed = observe<PresenceSnapshot>(() => ({ people: this.#people }));
  readonly #ends: (() => void)[];
  readonly #retryMs: number;
  /** The watched people of whom this socket has said nothing since the watch began. */
  #unheard = new Set<number>();
  #retries = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #people: ReadonlyMap<number, UserPresence> = new Map();
  #watched: readonly number[] = [];
  #status: OwnStatus = "online";
  #isOpen = false;

  constructor(client: Client, retryMs: number) {
    this.#client = client;
    this.#retryMs = retryMs;
    this.subscribe = this.#observed.observable.subscribe;
    this.getSnapshot = this.#observed.observable.getSnapshot;
    this.#ends = [
      client.onFrame((frame) => this.#receive(frame)),
      client.connection.subscribe(() => this.#reconnected()),
    ];
    this.#reconnected();
  }

  readonly watch = (userIds: readonly number[]): void => {
    this.#watched = [...new Set(userIds)];
    const kept = this.#watched.flatMap((id) => this.#people.get(id) ?? []);
    this.#show(kept.map((person) => [person.user_id, person]));
    this.#beginWatch();
  };

  readonly setStatus = (status: OwnStatus): void => {
    if (this.#status === status) return;
    this.#status = status;
    this.#client.post({ type: "presence", status });
  };

  readonly close = (): void => {
    for (const end of this.#ends) end();
    this.#watched = [];
    this.#beginWatch();
    this.#observed.end();
  };

  #beginWatch() {
    this.#retries = 0;
    this.#unheard = new Set(this.#watched);
    this.#postWatched();
  }

  #postWatched() {
    clearTimeout(this.#retry);
    this.#client.post({ type: "watch_presence", user_ids: [...this.#watched] });
    if (this.#unheard.size === 0 || !this.#isOpen || this.#retries >= retriesMax) return;
    const pauseMs = Math.min(this.#retryMs * 2 ** this.#retries, retryMsMax);
    this.#retries += 1;
    // A random half more, so that clients whose watches failed together do not repeat them together.
    this.#retry = setTimeout(() => this.#postWatched(), pauseMs * (1 + Math.random() / 2));
  }

  #show(people: readonly (readonly [number, UserPresence])[]) {
    this.#people = new Map(people);
    this.#observed.changed();
  }

  #receive(frame: ServerFrame) {
    if (frame.type !== "presence") return;
    const watched = frame.users.filter(({ user_id }) => this.#watched.includes(user_id));
    for (const { user_id: userId } of watched) this.#unheard.delete(userId);
    if (this.#unheard.size === 0) clearTimeout(this.#retry);
    this.#show([...this.#people, ...watched.map((person) => [person.user_id, person] as const)]);
  }

  #reconnected() {
    const { state } = this.#client.connection.getSnapshot();
    const isOpen = state === "live" || state === "catching_up";
    if (isOpen === this.#isOpen) return;
    this.#isOpen = isOpen;
    clearTimeout(this.#retry);
    if (!isOpen) return this.#show([]);
    // A new socket watches nobody, and counts as online.
    if (this.#watched.length > 0) this.#beginWatch();
    if (this.#status === "away") this.#client.post({ type: "presence", status: "away" });
  }
}
