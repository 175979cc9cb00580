import type { Ctx } from "../context.ts";
import { activityFrame, lastStreamFrame, type EndedAnswer } from "../wire/message-frames.ts";
import { mergedAnswer, mergedMessage } from "../wire/merged-frames.ts";

/**
 * Shows a piece of an answer to the room.
 * @param answer `seq` is the number that the chunk must not overtake
 * @param offset of the chunk in the whole text, in UTF-16 units
 * @param whole all text so far, if merged sockets are shown it with this chunk; a chunk with offset 0 is all text itself
 */
export function publishChunk(
  ctx: Ctx,
  answer: {
    chatId: number;
    messageId: number;
    seq: number;
    createdAt: string;
    lease: { readonly attempt: number };
  },
  { chunk, offset, whole }: { chunk: string; offset: number; whole?: string | undefined },
): void {
  const { chatId, messageId: id, createdAt, lease } = answer;
  const text = offset === 0 ? chunk : whole;
  ctx.realtime.toRoom(
    {
      type: "bot_stream",
      chat_id: answer.chatId,
      message_id: answer.messageId,
      chunk,
      is_complete: false,
      offset,
    },
    {
      after: answer.seq,
      message: text === undefined ? undefined : () => mergedAnswer({ id, chatId, createdAt, text }),
      answer: {
        ...{ messageId: id, attempt: lease.attempt, createdAt },
        ...{ offset, length: offset + chunk.length, isGrown: whole !== undefined },
      },
    },
  );
}

export function publishEnd(ctx: Ctx, ended: EndedAnswer): void {
  ctx.realtime.toRoom(lastStreamFrame(ended), { message: () => mergedMessage(ended.message) });
  ctx.realtime.toList(activityFrame(ended.message), { seq: ended.message.updated_seq });
}
