// The watches of this server: who watches whom, the statuses that were sent to them, and those that have to be sent next.
import type { UserPresence } from "../wire/presence.ts";
import type { PresenceSocket } from "./person.ts";

/** The people that one socket watches. */
export interface Watch {
  readonly socket: PresenceSocket;
  readonly userIds: readonly number[];
}

/** A watch and one of its people. */
export interface WatchedPair {
  readonly watch: Watch;
  readonly userId: number;
}

interface Target {
  /** The status that `friends` were told last; undefined if there are none, or they have not been told yet. */
  presence: UserPresence | undefined;
  /** Watches of people who are in a chat with the target. */
  readonly friends: Set<Watch>;
  /** Watches of people who are not, and are told nothing. */
  readonly strangers: Set<Watch>;
}

/** The status that is shown of people who don't exist, and of strangers. */
export const unknownPresence = (userId: number): UserPresence => ({
  user_id: userId,
  status: "offline",
  last_seen_at: null,
});

export class WatchedPeople {
  readonly #targets = new Map<number, Target>();
  readonly #byWatcher = new Map<number, Set<Watch>>();
  readonly #outbox = new Map<Watch, Map<number, UserPresence>>();

  /**
   * Adds a watch and has it told of all its people.
   * @param friendIds those of them who are in a chat with the watcher
   * @param presences what was found of them, at least
   */
  add(
    watch: Watch,
    friendIds: ReadonlySet<number>,
    presences: ReadonlyMap<number, UserPresence>,
  ): void {
    this.#byWatcher.getOrInsertComputed(watch.socket.userId, () => new Set()).add(watch);
    for (const userId of watch.userIds) {
      const target = this.#targets.getOrInsertComputed(userId, newTarget);
      const presence = friendIds.has(userId) ? presences.get(userId) : undefined;
      if (presence) {
        target.friends.add(watch);
        target.presence ??= presence;
      } else {
        target.strangers.add(watch);
      }
      this.#tell(watch, presence ?? unknownPresence(userId));
    }
  }

  remove(watch: Watch): void {
    this.#outbox.delete(watch);
    const { userId: watcherId } = watch.socket;
    const own = this.#byWatcher.get(watcherId);
    if (!own?.delete(watch)) return;
    if (own.size === 0) this.#byWatcher.delete(watcherId);
    for (const userId of watch.userIds) {
      const target = this.#targets.get(userId);
      if (!target) continue;
      target.strangers.delete(watch);
      target.friends.delete(watch);
      if (target.friends.size > 0) continue;
      target.presence = undefined;
      if (target.strangers.size === 0) this.#targets.delete(userId);
    }
  }

  /** Whether anybody is told of a person. */
  isShown(userId: number): boolean {
    return (this.#targets.get(userId)?.friends.size ?? 0) > 0;
  }

  /** All people of whom anybody is told. */
  *shownIds(): Generator<number> {
    for (const [userId, { friends }] of this.#targets) if (friends.size > 0) yield userId;
  }

  /** The pairs in which some people watch or are watched. @param userIds undefined for all pairs */
  *pairsOf(userIds: readonly number[] | undefined): Generator<WatchedPair> {
    for (const userId of userIds ?? this.#targets.keys()) {
      const target = this.#targets.get(userId);
      if (target) {
        for (const watch of [...target.friends, ...target.strangers]) yield { watch, userId };
      }
      if (!userIds) continue;
      for (const watch of this.#byWatcher.get(userId) ?? []) {
        for (const watchedId of watch.userIds) yield { watch, userId: watchedId };
      }
    }
  }

  /**
   * Notes whether the people of a pair are in a chat together.
   * @returns whether they have come together, and the presence has to be learned first
   */
  setTogether({ watch, userId }: WatchedPair, together: boolean): boolean {
    const target = this.#targets.get(userId);
    if (!target) return false;
    if (together) {
      if (!target.strangers.delete(watch)) return false;
      target.friends.add(watch);
      if (target.presence) this.#tell(watch, target.presence);
      return !target.presence;
    }
    if (!target.friends.delete(watch)) return false;
    target.strangers.add(watch);
    if (target.friends.size === 0) target.presence = undefined;
    this.#tell(watch, unknownPresence(userId));
    return false;
  }

  /** Takes what the database has of a person. Their friends are told if it is news to them. */
  learn(presence: UserPresence): void {
    const target = this.#targets.get(presence.user_id);
    if (!target || target.friends.size === 0) return;
    const { status, last_seen_at } = target.presence ?? {};
    if (status === presence.status && last_seen_at === presence.last_seen_at) return;
    target.presence = presence;
    for (const watch of target.friends) this.#tell(watch, presence);
  }

  /** The statuses that have to be told since the last call. */
  takeNews(): [Watch, UserPresence[]][] {
    const news = Array.from(this.#outbox, ([watch, users]): [Watch, UserPresence[]] => [
      watch,
      [...users.values()],
    ]);
    this.#outbox.clear();
    return news;
  }

  #tell(watch: Watch, presence: UserPresence): void {
    this.#outbox.getOrInsertComputed(watch, () => new Map()).set(presence.user_id, presence);
  }
}

function newTarget(): Target {
  return { presence: undefined, friends: new Set(), strangers: new Set() };
}
