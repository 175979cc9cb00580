// `gemini-coop/client/people`: how people are called, the search for them, and the people whom the person has blocked.
import type { BlockedPage } from "../wire/blocks.ts";
import type { Participant } from "../wire/chats.ts";
import type { ServerFrame } from "../wire/server-frames.ts";
import type { Confirmation, Profile } from "../wire/users.ts";
import type { Client } from "./client.ts";
import { observe, type Observable } from "./observable.ts";
import type { z } from "zod";

export type { BlockedPage, BlockedPerson } from "../wire/blocks.ts";
export type { Profile } from "../wire/users.ts";

/** The members that a list of people shows. */
export type ShownPerson = Pick<Profile, "id" | "username" | "display_name" | "avatar_url">;

export interface PeopleSnapshot {
  /** People by user id. */
  readonly people: ReadonlyMap<number, ShownPerson>;
  readonly blockedIds: ReadonlySet<number>;
}

export interface People extends Observable<PeopleSnapshot> {
  /** Takes names from a list of participants, unless newer ones are known. */
  note(participants: readonly (ShownPerson | Participant)[]): void;
  /**
   * Loads the names of people that are not known yet, at most 50 at a time, and again when the connection was broken, since changes may
   * have been missed. Never rejects: people who cannot be loaded are left out.
   */
  load(userIds: readonly number[]): Promise<void>;
  /** Loads the participants of a chat whenever the connection was broken. @returns a function that ends it */
  follow(chatId: number): () => void;
  /** @throws ProblemError `not_found` */
  get(userId: number): Promise<Profile>;
  /** At most 10 people; nobody for a text of fewer than 2 characters. @throws ProblemError */
  search(query: string): Promise<Profile[]>;
  /** @throws ProblemError `not_found`, `too_many_blocks` */
  block(userId: number): Promise<void>;
  /** @throws ProblemError */
  unblock(userId: number): Promise<void>;
  /** A page of the people whom the person has blocked, the latest first. @throws ProblemError */
  listBlocked(cursor?: string | null): Promise<BlockedPage>;
  /** Ends all subscriptions. */
  close(): void;
}

const loadedMax = 50;
/** The most pages of blocked people that are read. The people that can be blocked fill fewer. */
const blockedPagesMax = 10;

/** The people around a client's person. Make it once for each client. */
export function createPeople(client: Client): People {
  return new KnownPeople(client);
}

class KnownPeople implements People {
  readonly subscribe: People["subscribe"];
  readonly getSnapshot: People["getSnapshot"];
  readonly #client: Client;
  readonly #observed = observe<PeopleSnapshot>(() => ({
    people: this.#people,
    blockedIds: this.#blockedIds,
  }));
  readonly #ends: (() => void)[];
  #people: ReadonlyMap<number, ShownPerson> = new Map();
  #blockedIds: ReadonlySet<number> = new Set();
  /** The ids of people that `load` was asked for. */
  #wanted = new Set<number>();
  readonly #chatIds = new Map<object, number>();
  #userId: number | undefined;
  #isOpen = false;
  /** Frames and changes that tell of blocked people; a list that was requested before one of them is too old. */
  #blockChanges = 0;

  constructor(client: Client) {
    this.#client = client;
    this.subscribe = this.#observed.observable.subscribe;
    this.getSnapshot = this.#observed.observable.getSnapshot;
    this.#ends = [
      client.onFrame((frame) => this.#receive(frame)),
      client.connection.subscribe(() => this.#reconnected()),
      client.session.subscribe(() => this.#identify()),
    ];
    this.#identify();
    this.#reconnected();
  }

  readonly note = (participants: readonly (ShownPerson | Participant)[]): void => {
    this.#learn(participants.filter(({ id }) => !this.#people.has(id)));
  };

  readonly load = async (userIds: readonly number[]): Promise<void> => {
    const isUnknown = (id: number) => !this.#people.has(id) && !this.#wanted.has(id);
    const missing = userIds.filter(isUnknown).slice(0, loadedMax);
    for (const id of missing) this.#wanted.add(id);
    for (const id of missing) await this.get(id).catch(() => undefined);
  };

  readonly follow = (chatId: number): (() => void) => {
    const key = {};
    this.#chatIds.set(key, chatId);
    return () => void this.#chatIds.delete(key);
  };

  readonly get = async (userId: number): Promise<Profile> => {
    const owner = this.#userId;
    const profile = await this.#client.call<Profile>("GET", `/api/users/${userId}`);
    if (owner === this.#userId) this.#learn([profile]);
    return profile;
  };

  readonly search = async (query: string): Promise<Profile[]> => {
    const owner = this.#userId;
    const path = `/api/users/search?query=${encodeURIComponent(query)}`;
    const found = await this.#client.call<Profile[]>("GET", path);
    if (owner === this.#userId) this.#learn(found);
    return found;
  };

  readonly block = (userId: number): Promise<void> => this.#setBlocked(userId, true);

  readonly unblock = (userId: number): Promise<void> => this.#setBlocked(userId, false);

  readonly listBlocked = (cursor?: string | null): Promise<BlockedPage> => {
    const from = cursor ? `&cursor=${cursor}` : "";
    return this.#client.call("GET", `/api/users/blocked?limit=200${from}`);
  };

  readonly close = (): void => {
    for (const end of this.#ends) end();
    this.#observed.end();
  };

  async #setBlocked(userId: number, isBlocked: boolean) {
    const path = `/api/users/${userId}/block`;
    await this.#client.call<z.infer<typeof Confirmation>>(isBlocked ? "PUT" : "DELETE", path);
    const ids = new Set(this.#blockedIds);
    if (isBlocked) ids.add(userId);
    else ids.delete(userId);
    this.#showBlocked(ids);
  }

  #learn(people: readonly (ShownPerson | Participant)[]) {
    if (people.length === 0) return;
    const shown = people.map(
      ({ id, username, display_name, avatar_url }) =>
        [id, { id, username, display_name, avatar_url }] as const,
    );
    this.#people = new Map([...this.#people, ...shown]);
    this.#observed.changed();
  }

  #showBlocked(ids: ReadonlySet<number>) {
    this.#blockChanges += 1;
    this.#blockedIds = ids;
    this.#observed.changed();
  }

  #receive(frame: ServerFrame) {
    if (frame.type === "user_updated") this.#learn([frame.user]);
    else if (frame.type === "blocked_people") this.#showBlocked(new Set(frame.user_ids));
  }

  /** Forgets what another person was shown. */
  #identify() {
    const { user } = this.#client.session.getSnapshot();
    if (user?.id === this.#userId) return;
    this.#userId = user?.id;
    this.#people = new Map();
    this.#wanted = new Set();
    this.#showBlocked(new Set());
    if (this.#isOpen) void this.#refresh();
  }

  #reconnected() {
    const { state } = this.#client.connection.getSnapshot();
    const isOpen = state === "live" || state === "catching_up";
    if (isOpen === this.#isOpen) return;
    this.#isOpen = isOpen;
    if (isOpen) void this.#refresh();
  }

  /** Reads again what may have changed. What cannot be read stays as it is until the next connection. */
  async #refresh() {
    const owner = this.#userId;
    if (owner === undefined) return;
    await this.#loadBlocked().catch(() => undefined);
    for (const chatId of new Set(this.#chatIds.values())) {
      const people = await this.#client.api.listParticipants(chatId).catch(() => []);
      if (owner === this.#userId) this.#learn(people);
    }
    const wanted = [...this.#wanted].slice(-loadedMax);
    for (const id of wanted) {
      if (owner !== this.#userId) return;
      await this.get(id).catch(() => undefined);
    }
  }

  async #loadBlocked() {
    const owner = this.#userId;
    const before = this.#blockChanges;
    const ids = new Set<number>();
    let cursor: string | null = null;
    for (let page = 0; page < blockedPagesMax; page += 1) {
      const { items, next_cursor }: BlockedPage = await this.listBlocked(cursor);
      for (const { user } of items) ids.add(user.id);
      cursor = next_cursor;
      if (cursor === null) break;
    }
    if (owner === this.#userId && before === this.#blockChanges) this.#showBlocked(ids);
  }
}
