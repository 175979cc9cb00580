// Compares the open rooms with their logs: what was lost on its way without a successor is found here.
import type { Ctx } from "../context.ts";
import { findLastSeqs } from "../log/replay.ts";
import type { Memberships } from "./memberships.ts";

/** @returns a recurring task that finds frames that were lost without a successor, and chats that were deleted elsewhere */
export function createLogCheck(ctx: Ctx): () => Promise<void> {
  let missing = new Set<number>();
  return async () => {
    const gone = new Set(await findGone(ctx));
    // When a chat is missing for the first time, the reply to this server's own deletion may still be on its way.
    for (const chatId of gone.intersection(missing)) {
      // Another server has deleted it, or that reply was lost: its people reconnect and load their chats.
      ctx.answers.abandonChat(chatId);
      for (const userId of ctx.realtime.rooms.end(chatId)) ctx.gateway.disconnectUser(userId);
    }
    missing = gone;
  };
}

/** Compares everything because the bus between servers was away, or is. Never throws. */
export async function catchUp(ctx: Ctx, memberships: Memberships): Promise<void> {
  try {
    await findGone(ctx);
    await memberships.poll();
  } catch (error) {
    ctx.log.warn({ err: error }, "rooms could not be compared with their logs; they will be again");
  }
}

/** Tells every open room how far its log reaches, by one query. @returns the chats that are gone */
export async function findGone({ sql, realtime: { rooms } }: Ctx): Promise<number[]> {
  const chatIds = rooms.chatIds();
  const found = chatIds.length > 0 ? await findLastSeqs(sql, chatIds) : [];
  for (const { id, last_seq } of found) rooms.expect(id, last_seq);
  const ids = new Set(found.map(({ id }) => id));
  return chatIds.filter((chatId) => !ids.has(chatId));
}
