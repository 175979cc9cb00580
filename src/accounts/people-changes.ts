// Tells the sockets of this server of profiles and blocks that have changed, on whatever server. They are read from the database,
// those that were changed here too, so that there is one way for them to come.
import type { Ctx } from "../context.ts";
import { inPages, inTurn } from "../schedule.ts";
import type { Listener } from "../realtime/listener.ts";
import type { BlockedPeopleFrame, UserUpdatedFrame } from "../wire/people-frames.ts";
import { findBlocks } from "./block-queries.ts";
import {
  deleteOldPeopleChanges,
  findChangedPeople,
  findSeenProfiles,
} from "./people-change-queries.ts";

/** The most people that one statement reads. */
const pageSize = 200;
const cleanUpPageSize = 5_000;

type ChangesCtx = Pick<Ctx, "sql" | "gateway" | "realtime">;

export class PeopleChanges {
  readonly #ctx: ChangesCtx;
  /** The place up to which changes were read; undefined before the first call. */
  #cursor: string | undefined;

  constructor(ctx: ChangesCtx) {
    this.#ctx = ctx;
  }

  /**
   * Sends what has changed since the last call. A recurring task calls it.
   * @throws Error when the database cannot be reached; the next call makes up for it
   */
  readonly poll = inTurn(() => this.#poll());

  async #poll(): Promise<void> {
    const { cursor, profiles, blocks, left } = await findChangedPeople(this.#ctx.sql, this.#cursor);
    const leftBy = Map.groupBy(left, ({ userId }) => userId);
    for (const page of pagesOf(blocks)) await this.#tellBlocks(page);
    for (const page of pagesOf(profiles)) await this.#tellProfiles(page, leftBy);
    this.#cursor = cursor;
  }

  /** Deletes changes that are older than an hour. Called about every 10 minutes. */
  async cleanUp(): Promise<void> {
    await inPages(cleanUpPageSize, (limit) => deleteOldPeopleChanges(this.#ctx.sql, limit));
  }

  async #tellProfiles(
    userIds: number[],
    leftBy: ReadonlyMap<number, { chatId: number }[]>,
  ): Promise<void> {
    for (const { profile, chatIds } of await findSeenProfiles(this.#ctx.sql, userIds)) {
      const frame: UserUpdatedFrame = { type: "user_updated", user: profile };
      const text = JSON.stringify(frame);
      const left = (leftBy.get(profile.id) ?? []).map(({ chatId }) => chatId);
      for (const listener of this.#listenersNear(profile.id, [...chatIds, ...left])) {
        if (listener.mayReceive("user_updated")) listener.send(text);
      }
    }
  }

  /** The sockets of a person and of those who are in a chat with them, each once. */
  #listenersNear(userId: number, chatIds: readonly number[]): Set<Listener> {
    const { gateway, realtime } = this.#ctx;
    const listeners = new Set(gateway.listenersOf(userId));
    for (const chatId of chatIds) {
      for (const listener of realtime.rooms.find(chatId)?.online.sockets ?? []) {
        listeners.add(listener);
      }
      for (const listener of gateway.followersOf(chatId)) listeners.add(listener);
    }
    return listeners;
  }

  async #tellBlocks(userIds: number[]): Promise<void> {
    const { sql, gateway } = this.#ctx;
    const here = userIds.filter((userId) => gateway.listenersOf(userId).length > 0);
    if (here.length === 0) return;
    const readAtMs = performance.now();
    for (const [userId, { blockedIds, quietChatIds }] of await findBlocks(sql, here)) {
      const frame: BlockedPeopleFrame = { type: "blocked_people", user_ids: blockedIds };
      const text = JSON.stringify(frame);
      for (const listener of gateway.listenersOf(userId)) {
        listener.setQuietChats(quietChatIds, readAtMs);
        if (listener.mayReceive("blocked_people")) listener.send(text);
      }
    }
  }
}

function* pagesOf(ids: readonly number[]): Generator<number[]> {
  for (let from = 0; from < ids.length; from += pageSize) yield ids.slice(from, from + pageSize);
}
