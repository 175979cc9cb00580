import type { Message } from "../wire/messages.ts";

/** A reaction names at most so many people. */
const namesMax = 100;

interface ReactionChange {
  emoji: string;
  user_id: number;
  on: boolean;
  /** How many people have reacted with the emoji after the change; undefined if it is to be counted. */
  count?: number;
}

/** A message after somebody has reacted to it, or has taken a reaction back. */
export function withReaction(message: Message, change: ReactionChange): Message {
  const { emoji, user_id, on } = change;
  const { reactions } = message;
  const held = reactions.find((reaction) => reaction.emoji === emoji) ?? {
    emoji,
    count: 0,
    user_ids: [],
  };
  const others = held.user_ids.filter((id) => id !== user_id);
  const isNamed = others.length < held.user_ids.length;
  const user_ids = !on ? others : isNamed ? held.user_ids : [...others, user_id].slice(0, namesMax);
  const count = change.count ?? held.count + (on ? (isNamed ? 0 : 1) : isNamed ? -1 : 0);
  const next = { emoji, count, user_ids };
  const isKnown = reactions.includes(held);
  const changed = isKnown
    ? reactions.map((reaction) => (reaction === held ? next : reaction))
    : [...reactions, next];
  return { ...message, reactions: changed.filter((reaction) => reaction.count > 0) };
}
