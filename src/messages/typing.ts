import { chatNotFound } from "../chats/actions.ts";
import { isParticipant } from "../chats/participant-queries.ts";
import type { Ctx } from "../context.ts";
import type { Listener } from "../realtime/listener.ts";

const defaultIntervalMs = 3_000;
/** Limit of remembered notices. The oldest is forgotten first, and that person may then be shown once too often. */
const rememberedMax = 10_000;

interface Notice {
  readonly atMs: number;
  /** The other server that has sent it; undefined for this one. */
  readonly server: string | undefined;
}

/** The typing notices that the rooms of this node are shown, at most one in an interval for each person and chat. */
export class TypingNotices {
  readonly #ctx: Pick<Ctx, "sql" | "now" | "realtime">;
  readonly #intervalMs: number;
  /** The last notice by chat and person, oldest first. */
  readonly #lastShown = new Map<string, Notice>();

  constructor(ctx: Pick<Ctx, "sql" | "now" | "realtime">, intervalMs = defaultIntervalMs) {
    this.#ctx = ctx;
    this.#intervalMs = intervalMs;
  }

  /** Tells the others in the room; a notice within the interval is dropped. @throws Problem `not_found` */
  async show(listener: Listener, chatId: number): Promise<void> {
    const { sql, realtime } = this.#ctx;
    const { userId, username } = listener;
    if (!listener.joined.has(chatId) && !(await isParticipant(sql, userId, chatId))) {
      throw chatNotFound();
    }
    if (!this.isDue(chatId, userId)) return;
    realtime.toRoom(
      { type: "typing", chat_id: chatId, user_id: userId, username },
      { exceptUserId: userId },
    );
  }

  /**
   * Whether a notice may be shown now, which counts as shown then.
   * @param server the other server that has sent it, which keeps the interval by itself; undefined for this one
   */
  isDue(chatId: number, userId: number, server?: string): boolean {
    const key = `${chatId}:${userId}`;
    const nowMs = this.#ctx.now().getTime();
    const last = this.#lastShown.get(key);
    const isOnTime = server !== undefined && server === last?.server;
    if (last && !isOnTime && nowMs - last.atMs < this.#intervalMs) return false;
    this.#lastShown.delete(key);
    this.#lastShown.set(key, { atMs: nowMs, server });
    if (this.#lastShown.size > rememberedMax) {
      const [oldest = key] = this.#lastShown.keys();
      this.#lastShown.delete(oldest);
    }
    return true;
  }
}
