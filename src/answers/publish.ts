import type { Ctx } from "../context.ts";
import { activityFrame, lastStreamFrame, type EndedAnswer } from "../wire/message-frames.ts";

/**
 * Shows a piece of an answer to the room.
 * @param answer `seq` is the number that the chunk must not overtake
 * @param offset of the chunk in the whole text, in UTF-16 units
 */
export function publishChunk(
  ctx: Ctx,
  answer: { chatId: number; messageId: number; seq: number },
  chunk: string,
  offset: number,
): void {
  ctx.realtime.toRoom(
    {
      type: "bot_stream",
      chat_id: answer.chatId,
      message_id: answer.messageId,
      chunk,
      is_complete: false,
      offset,
    },
    { after: answer.seq },
  );
}

export function publishEnd(ctx: Ctx, ended: EndedAnswer): void {
  ctx.realtime.toRoom(lastStreamFrame(ended));
  ctx.realtime.toList(activityFrame(ended.message));
}
