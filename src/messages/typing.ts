import { chatNotFound } from "../chats/actions.ts";
import { isParticipant } from "../chats/participant-queries.ts";
import type { Ctx } from "../context.ts";
import type { Listener } from "../realtime/listener.ts";

const defaultIntervalMs = 3_000;
/** Limit of remembered notices. The oldest is forgotten first, and that person may then be shown once too often. */
const rememberedMax = 10_000;

/** The typing notices of this node, at most one in an interval for each person and chat. */
export class TypingNotices {
  readonly #ctx: Pick<Ctx, "sql" | "now" | "realtime">;
  readonly #intervalMs: number;
  /** Milliseconds of the last notice by chat and person, oldest first. */
  readonly #lastShown = new Map<string, number>();

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
    if (!this.#isDue(`${chatId}:${userId}`)) return;
    realtime.toRoom(
      { type: "typing", chat_id: chatId, user_id: userId, username },
      { exceptUserId: userId },
    );
  }

  #isDue(key: string): boolean {
    const nowMs = this.#ctx.now().getTime();
    if (nowMs - (this.#lastShown.get(key) ?? 0) < this.#intervalMs) return false;
    this.#lastShown.delete(key);
    this.#lastShown.set(key, nowMs);
    if (this.#lastShown.size > rememberedMax) {
      const [oldest = key] = this.#lastShown.keys();
      this.#lastShown.delete(oldest);
    }
    return true;
  }
}
