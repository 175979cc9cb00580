import type { Caller } from "../accounts/access-tokens.ts";
import { noQuestion } from "../answers/ask.ts";
import { hasNoQuestion } from "../answers/question.ts";
import { messageNotFound } from "../chats/get-message.ts";
import type { Ctx } from "../context.ts";
import { activityFrame, updatedFrame } from "../wire/message-frames.ts";
import type { EditMessageInput, Message } from "../wire/messages.ts";
import { Problem } from "../wire/problems.ts";
import { mentionsOf, tellMentioned } from "./mentions.ts";
import { updateContent } from "./queries.ts";

/**
 * Replaces the text of a message of the caller. It asks the model nothing, whatever the text was and is. An edit that changes
 * nothing takes no number. As when it was sent, a message with files needs no text, and one with files or a reply no question.
 * @throws Problem `not_found`, `message_deleted`, `forbidden` for a message of somebody else, `changed_meanwhile`, `invalid` for an empty text without files, and for `/bot` or `@Gemini` without a question, `rate_limited`
 */
export async function editMessage(
  ctx: Ctx,
  caller: Caller,
  ids: { chatId: number; messageId: number },
  { content, if_seq: ifSeq }: EditMessageInput,
): Promise<Message> {
  const { userIds, quietIds } = await mentionsOf(ctx, caller, ids.chatId, content);
  const result = await updateContent(ctx.sql, caller.id, ids, {
    content,
    ifSeq: ifSeq ?? undefined,
    mentions: userIds,
    hasNoQuestion: content !== "" && !caller.grant?.isBot && hasNoQuestion(content),
  });
  if (!result) throw await messageNotFound(ctx, caller, ids.chatId);
  const { outcome, message, mentionedBefore } = result;
  switch (outcome) {
    case "bots":
      throw new Problem("forbidden", "Answers of the model cannot be edited.");
    case "not_author":
      throw new Problem("forbidden", "Only the author may edit a message.");
    case "deleted":
      throw new Problem("message_deleted", "This message was deleted.");
    case "no_content":
      throw noContent();
    case "no_question":
      throw noQuestion(content);
    case "changed_meanwhile":
      throw new Problem(
        "changed_meanwhile",
        "The message has changed since you have seen it. Look at it again.",
      );
    case "unchanged":
      return message;
    case "edited":
      ctx.realtime.toRoom(updatedFrame(message));
      ctx.realtime.reviseActivity(activityFrame(message), { seq: message.updated_seq }, result);
      tellMentioned(
        ctx,
        message,
        { userIds: addedMentions(message, mentionedBefore), quietIds },
        message.updated_seq,
      );
      return message;
  }
}

function noContent(): Problem {
  const detail = "A message without files must have at least 1 character.";
  return new Problem("invalid", detail, { errors: [{ pointer: "/content", detail }] });
}

function addedMentions({ mentions }: Message, before: readonly number[]): number[] {
  const known = new Set(before);
  return mentions.filter((userId) => !known.has(userId));
}
