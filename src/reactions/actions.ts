import type { Caller } from "../accounts/access-tokens.ts";
import { chatNotFound } from "../chats/actions.ts";
import { messageNotFound } from "../chats/get-message.ts";
import type { Ctx } from "../context.ts";
import { reactionsPerMessageMax, type Reaction } from "../wire/messages.ts";
import { Problem } from "../wire/problems.ts";
import type { StoreReaction } from "./commit.ts";

/**
 * Adds a person's reaction to a message or takes it back, and tells the room. What is already so is a success that changes
 * nothing and is told nobody.
 * @returns all reactions of the message, and the number of its last change
 * @throws Problem `not_found`, `message_deleted`, `too_many_reactions`, `unavailable`
 */
export async function react(
  ctx: Ctx,
  storeReaction: StoreReaction,
  caller: Caller,
  {
    chatId,
    messageId,
    emoji,
    on,
  }: { chatId: number; messageId: number; emoji: string; on: boolean },
): Promise<{ reactions: Reaction[]; updated_seq: number }> {
  const result = await storeReaction({ chatId, messageId, userId: caller.id, emoji, on });
  switch (result.outcome) {
    case "stranger":
      throw chatNotFound();
    case "no_message":
      throw await messageNotFound(ctx, caller, chatId);
    case "deleted":
      throw new Problem("message_deleted", "This message was deleted.");
    case "too_many":
      throw new Problem(
        "too_many_reactions",
        `This message has ${reactionsPerMessageMax} different emoji, which is the limit. Use one of them.`,
      );
  }
  const { reactions, updatedSeq, change } = result;
  if (change) {
    ctx.realtime.toRoom({
      type: "reaction",
      chat_id: chatId,
      message_id: messageId,
      emoji,
      user_id: caller.id,
      username: caller.username,
      on,
      count: change.count,
      updated_seq: change.seq,
    });
  }
  return { reactions, updated_seq: updatedSeq };
}
