import { chatNotFound } from "../chats/actions.ts";
import { isParticipant } from "../chats/participant-queries.ts";
import type { Ctx } from "../context.ts";
import type { Listener } from "../realtime/rooms.ts";
import { chatTopic } from "../realtime/topics.ts";

const typingIntervalMs = 3_000;
/** People and chats remembered; the oldest are forgotten first, which lets them type once more at most. */
const rememberedMax = 10_000;

const lastShown = new WeakMap<Ctx, Map<string, number>>();

/** Tells the others in the room, at most once in 3 s a person; what comes in between is dropped. @throws Problem `not_found` */
export async function showTyping(ctx: Ctx, listener: Listener, chatId: number): Promise<void> {
  const { userId, username } = listener;
  if (!listener.joined.has(chatId) && !(await isParticipant(ctx.sql, userId, chatId))) {
    throw chatNotFound();
  }
  const shown = lastShown.getOrInsertComputed(ctx, () => new Map<string, number>());
  const key = `${chatId}:${userId}`;
  const now = ctx.now().getTime();
  if (now - (shown.get(key) ?? 0) < typingIntervalMs) return;
  shown.delete(key);
  shown.set(key, now);
  if (shown.size > rememberedMax) {
    for (const oldest of shown.keys()) {
      shown.delete(oldest);
      break;
    }
  }
  ctx.publish(
    chatTopic(chatId),
    { type: "typing", chat_id: chatId, user_id: userId, username },
    { exceptUserId: userId },
  );
}
