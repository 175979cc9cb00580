import type { Message } from "../wire/messages.ts";

interface ReactionChange {
  emoji: string;
  user_id: number;
  on: boolean;
  /** How many people have reacted with the emoji after the change; undefined if it is to be counted. */
  count?: number;
}

/**
 * A message after somebody has reacted to it, or has taken a reaction back. The message may show later changes already. Whoever
 * reacts therefore comes last, and so does an emoji with its first person: after the last of these changes, the order is right.
 */
export function withReaction(message: Message, change: ReactionChange): Message {
  const { emoji, user_id, on } = change;
  const reactions = message.reactions.filter(
    (reaction) => reaction.emoji !== emoji || change.count !== 1 || !on,
  );
  const found = reactions.findIndex((reaction) => reaction.emoji === emoji);
  const index = found < 0 ? reactions.length : found;
  const { count: held, user_ids } = reactions[index] ?? { count: 0, user_ids: [] };
  const ids = user_ids.filter((id) => id !== user_id);
  if (on) ids.push(user_id);
  const count = change.count ?? held + ids.length - user_ids.length;
  reactions[index] = { emoji, count, user_ids: ids };
  return { ...message, reactions: reactions.filter((reaction) => reaction.count > 0) };
}
