import type { Caller } from "../accounts/access-tokens.ts";
import { stopAnswer } from "../answers/stop.ts";
import { record } from "../audit/audit.ts";
import { messageNotFound } from "../chats/get-message.ts";
import type { Ctx } from "../context.ts";
import { activityFrame, updatedFrame } from "../wire/message-frames.ts";
import type { Message } from "../wire/messages.ts";
import { Problem } from "../wire/problems.ts";
import { markDeleted } from "./queries.ts";

/**
 * Deletes a message: its author may, of an answer the person who asked, the chat's owner, and its moderators unless it is the
 * owner's. A running answer is stopped
 * first. Deleting once more is a success that takes no number.
 * @returns what stays of it, which has no text
 * @throws Problem `not_found`, `forbidden`, `unavailable` when a running answer does not stop in time
 */
export async function deleteMessage(
  ctx: Ctx,
  caller: Caller,
  ids: { chatId: number; messageId: number },
): Promise<Message> {
  const result = await markDeleted(ctx.sql, caller, ids);
  if (result?.outcome !== "streaming") return await finish(ctx, caller, ids, result);
  await stopAnswer(ctx, caller, ids.chatId, ids.messageId).catch((error: unknown) => {
    // It has come to its end by itself.
    if (!(error instanceof Problem && error.code === "answer_ended")) throw error;
  });
  return await finish(ctx, caller, ids, await markDeleted(ctx.sql, caller, ids));
}

async function finish(
  ctx: Ctx,
  caller: Caller,
  { chatId, messageId }: { chatId: number; messageId: number },
  result: Awaited<ReturnType<typeof markDeleted>>,
): Promise<Message> {
  if (!result) throw await messageNotFound(ctx, caller, chatId);
  const { outcome, message, isNewest } = result;
  switch (outcome) {
    case "forbidden":
      await record(ctx, {
        action: "delete_message",
        outcome,
        actor: caller,
        target: `chat:${chatId}`,
        details: { message_id: messageId },
        source: caller.source,
      });
      throw new Problem(
        "forbidden",
        message.is_bot
          ? "Only the person who asked, the chat's owner and its moderators may delete an answer, and moderators none that the owner asked for."
          : "Only the author, the chat's owner and its moderators may delete a message, and moderators none of the owner's.",
      );
    case "streaming":
      // Another server has taken the answer over meanwhile, or its end is not stored yet.
      throw new Problem("unavailable", "The answer is still being stopped. Delete it again.", {
        retryAfterSeconds: 1,
      });
    case "unchanged":
      return message;
    case "deleted":
      ctx.realtime.toRoom(updatedFrame(message));
      ctx.realtime.reviseActivity(
        activityFrame(message),
        { seq: message.updated_seq },
        { isNewest },
      );
      return message;
  }
}
