// Keeps the subscriptions of sockets in step with memberships that other servers have changed, or a statement that committed after
// its reply was lost.
import { findChats, findMembershipChanges } from "../chats/membership-queries.ts";
import type { Sql } from "../database/connect.ts";
import type { SocketRegistry } from "./registry.ts";

/** People whose chats are read by one statement. */
const pageSize = 500;
/** After a longer break everybody's chats are read again, since changes are kept for an hour only. */
const breakMsMax = 20 * 60_000;

export interface MembershipsParts {
  sql: Sql;
  sockets: SocketRegistry;
  /** Called with chats that sockets of former participants followed. */
  onEnded: (chatIds: ReadonlySet<number>) => Promise<void>;
}

export class Memberships {
  readonly #parts: MembershipsParts;
  /** The place up to which changes were read; undefined while there are no sockets. */
  #cursor: string | undefined;
  #readAtMs = 0;
  /** People whose chats were read while they were changing, or while a socket of theirs was opening. */
  #again: ReadonlySet<number> = new Set();

  constructor(parts: MembershipsParts) {
    this.#parts = parts;
  }

  /**
   * Reads what has changed since the last call. A recurring task calls it.
   * @throws Error when the database cannot be reached; the next call makes up for it
   */
  async poll(): Promise<void> {
    const { sql, sockets } = this.#parts;
    if (sockets.size === 0) {
      this.#cursor = undefined;
      return;
    }
    const readAtMs = performance.now();
    sockets.removals.forgetChanged();
    this.#again = this.#again.union(sockets.removals.takeUnsure());
    const { cursor, userIds } = await findMembershipChanges(sql, this.#cursor);
    const isComplete = this.#cursor !== undefined && readAtMs - this.#readAtMs < breakMsMax;
    const changed = isComplete && userIds ? [...userIds, ...this.#again] : sockets.userIds();
    const due = new Set(changed).intersection(new Set(sockets.userIds()));
    this.#again = await this.#check([...due]);
    this.#cursor = cursor;
    this.#readAtMs = readAtMs;
  }

  /** @returns the people who have to be checked again */
  async #check(userIds: readonly number[]): Promise<ReadonlySet<number>> {
    const { sql, sockets, onEnded } = this.#parts;
    const again = new Set<number>();
    const ended = new Set<number>();
    for (let from = 0; from < userIds.length; from += pageSize) {
      const page = userIds.slice(from, from + pageSize);
      const found = await findChats(sql, page);
      for (const [place, userId] of page.entries()) {
        const sessions = sockets.listenersOf(userId);
        // The list of an opening socket may be older than this one, and this one older than what this server knows.
        if (sockets.removals.isChanging(userId) || sessions.some(({ opening }) => opening)) {
          again.add(userId);
          continue;
        }
        const chats = found[place] ?? new Map();
        for (const session of sessions) {
          for (const chatId of session.followOnly(chats)) ended.add(chatId);
        }
      }
    }
    if (ended.size > 0) await onEnded(ended);
    return again;
  }
}
