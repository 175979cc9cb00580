// Carries out what is left of deleted accounts. Any server does it, several at once if need be: each part is one statement, and
// one that finds nothing to do changes nothing.
import type { Ctx } from "../context.ts";
import { activityFrame, updatedFrame } from "../wire/message-frames.ts";
import { deleteBotsOfDeleted } from "./delete-bots.ts";
import {
  beginErasure,
  eraseMessages,
  findDeletions,
  findMessagesToErase,
  finishDeletion,
  moveErasure,
  type Deletion,
} from "./job-queries.ts";
import { leaveChats } from "./leave-chats.ts";

const deletionsPageSize = 10;
/** Ids of messages that one statement reads, in some milliseconds. */
const idsPageSize = 10_000;
/** Messages of one statement, during which others wait for the chat. */
const erasedPageSize = 100;
/** Pages of ids of one call at most, so that several deletions take turns. */
const pagesMax = 20;

/** Goes on with all deletions that are not finished, a bounded part of each. A server calls it about once a second. */
export async function continueDeletions(ctx: Ctx): Promise<void> {
  for (const deletion of await findDeletions(ctx.sql, deletionsPageSize)) {
    if (ctx.lifecycle.closing) return;
    try {
      await deleteBotsOfDeleted(ctx, deletion);
      await leaveChats(ctx, deletion.user_id);
      await eraseSome(ctx, deletion);
    } catch (error) {
      // A chat that is locked for long must not keep the other deletions waiting.
      const { user_id: userId } = deletion;
      ctx.log.warn({ err: error, userId }, "a deletion of an account stopped; it will go on");
    }
  }
}

async function eraseSome(ctx: Ctx, deletion: Deletion): Promise<void> {
  const { user_id: userId, message_ids_end: end } = deletion;
  if (!deletion.erases) return await finishDeletion(ctx.sql, userId);
  // The last message has an id by now, and the next call looks for it.
  if (end === null) return await beginErasure(ctx.sql, userId);
  let nextId = deletion.next_id;
  for (let page = 0; page < pagesMax && nextId < end; page += 1) {
    const to = Math.min(nextId + idsPageSize, end);
    const found = await findMessagesToErase(ctx.sql, userId, { from: nextId, to });
    for (const [chatId, messages] of Map.groupBy(found, ({ chat_id }) => chat_id)) {
      for (let from = 0; from < messages.length; from += erasedPageSize) {
        if (ctx.lifecycle.closing) return;
        const ids = messages.slice(from, from + erasedPageSize).map(({ id }) => id);
        for (const erased of await eraseMessages(ctx.sql, userId, chatId, ids)) {
          ctx.realtime.toRoom(updatedFrame(erased.message));
          const position = { seq: erased.message.updated_seq };
          ctx.realtime.reviseActivity(activityFrame(erased.message), position, erased);
        }
      }
    }
    nextId = to;
    await moveErasure(ctx.sql, userId, nextId);
  }
  if (nextId >= end) await finishDeletion(ctx.sql, userId);
}
