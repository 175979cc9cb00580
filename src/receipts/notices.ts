// Tells the people of a chat how far others have read: joined sockets the positions that have moved, and merged sockets all
// read receipts, which their clients answer by loading their list of chats. A busy chat must not cause one frame for every
// message and reader, so both are gathered.
import type { Ctx } from "../context.ts";
import { ChatInterval } from "./interval.ts";
import { findRoomReads, findViewers } from "./position-queries.ts";
import { findReceipts } from "./queries.ts";

const defaultIntervalMs = 1_000;

type NoticesCtx = Pick<Ctx, "sql" | "log" | "realtime">;

export class ReadNotices {
  readonly #ctx: NoticesCtx;
  readonly #reads: ChatInterval;
  readonly #receipts: ChatInterval;
  /** The people whose position has moved since the last frame, by chat. */
  readonly #moved = new Map<number, Set<number>>();

  /** @param intervalMs milliseconds in which a chat gets at most one frame of each kind */
  constructor(ctx: NoticesCtx, intervalMs = defaultIntervalMs) {
    this.#ctx = ctx;
    const logged = (send: (chatId: number) => Promise<void>) => (chatId: number) =>
      send(chatId).catch((error: unknown) =>
        ctx.log.warn({ err: error, chatId }, "read positions could not be sent"),
      );
    this.#reads = new ChatInterval(
      logged((chatId) => this.#sendReads(chatId)),
      intervalMs,
    );
    this.#receipts = new ChatInterval(
      logged((chatId) => this.#sendReceipts(chatId)),
      intervalMs,
    );
  }

  /** A person's read position has moved. It is sent now, or at the end of the interval. Nothing is read if nobody listens. */
  note(chatId: number, userId: number): void {
    const { realtime } = this.#ctx;
    if (realtime.rooms.find(chatId)) {
      this.#moved.getOrInsertComputed(chatId, () => new Set()).add(userId);
      this.#reads.note(chatId);
    }
    if (realtime.hasMerged(chatId)) this.#receipts.note(chatId);
  }

  async #sendReads(chatId: number): Promise<void> {
    const { sql, realtime } = this.#ctx;
    const moved = this.#moved.get(chatId) ?? [];
    this.#moved.delete(chatId);
    if (!realtime.rooms.find(chatId)) return;
    const found = await findRoomReads(sql, chatId, [...moved]);
    if (!found) return;
    const { lastSeq, reads, hiddenIds } = found;
    realtime.toRoom(
      { type: "read", chat_id: chatId, reads },
      { after: lastSeq, exceptUserIds: hiddenIds, isState: true },
    );
  }

  async #sendReceipts(chatId: number): Promise<void> {
    const { sql, realtime } = this.#ctx;
    if (!realtime.hasMerged(chatId)) return;
    const found = await findReceipts(sql, undefined, chatId, undefined);
    if (!found) return;
    const { receipts, lastSeq } = found;
    realtime.toMerged(
      { type: "read_receipts_updated", chat_id: chatId, read_receipts: receipts },
      { after: lastSeq, userIds: await findViewers(sql, chatId) },
    );
  }
}
