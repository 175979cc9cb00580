// Tells merged sockets of a chat's read receipts. Each frame has them all, and clients answer it by loading their list of
// chats: a busy chat must not cause one for every message and reader.
import type { Ctx } from "../context.ts";
import { findReceipts } from "./queries.ts";

const defaultIntervalMs = 1_000;

export class ReceiptNotices {
  readonly #ctx: Pick<Ctx, "sql" | "log" | "realtime">;
  readonly #intervalMs: number;
  readonly #recent = new Map<number, { hasMoved: boolean }>();

  /** @param intervalMs milliseconds in which a chat gets at most one frame */
  constructor(ctx: Pick<Ctx, "sql" | "log" | "realtime">, intervalMs = defaultIntervalMs) {
    this.#ctx = ctx;
    this.#intervalMs = intervalMs;
  }

  /** A read position has moved: the receipts are sent now, or at the end of the interval. Nothing is read if nobody listens. */
  note(chatId: number): void {
    const recent = this.#recent.get(chatId);
    if (recent) recent.hasMoved = true;
    else if (this.#ctx.realtime.hasMerged(chatId)) void this.#send(chatId);
  }

  async #send(chatId: number): Promise<void> {
    const recent = { hasMoved: false };
    this.#recent.set(chatId, recent);
    const { sql, log, realtime } = this.#ctx;
    try {
      const found = await findReceipts(sql, undefined, chatId, undefined);
      if (found) {
        realtime.toMerged(
          { type: "read_receipts_updated", chat_id: chatId, read_receipts: found.receipts },
          found.lastSeq,
        );
      }
    } catch (error) {
      log.warn({ err: error, chatId }, "read receipts could not be sent");
    }
    setTimeout(() => {
      this.#recent.delete(chatId);
      if (recent.hasMoved) this.note(chatId);
    }, this.#intervalMs);
  }
}
