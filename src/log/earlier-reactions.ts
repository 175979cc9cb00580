// The reactions of a message as of an earlier number of its chat. A frame that is read from the log has the message in its latest
// state, but the frames of later reactions follow it: applied to the latest reactions, they would bring them into another order.
import { z } from "zod";
import { many, type Sql } from "../database/connect.ts";
import { reactionNamesMax, type Reaction } from "../wire/messages.ts";

const ReactionChange = z.object({
  message_id: z.int(),
  seq: z.int(),
  user_id: z.int(),
  emoji: z.string(),
  on: z.boolean(),
  /** How many people had reacted with the emoji after the change. */
  count: z.int(),
});
export type ReactionChange = z.infer<typeof ReactionChange>;

/** Finds the reactions to some messages above a number of their chat, the newest first. Those to deleted messages are in no log. */
export async function findReactionChanges(
  sql: Sql,
  chatId: number,
  messageIds: readonly number[],
  after: number,
): Promise<ReactionChange[]> {
  if (messageIds.length === 0) return [];
  return many(
    await sql`
      select message_id, seq, user_id, emoji, kind = 'reaction_added' as on, emoji_count as count
      from chat_changes
      where chat_id = ${chatId} and seq > ${after} and message_id = any (${[...messageIds]}::bigint[])
        and kind in ('reaction_added', 'reaction_removed')
      order by seq desc
    `,
    ReactionChange,
  );
}

/**
 * Takes changes back. Whoever took a reaction back stands last in what is returned, wherever they stood: the change is going to
 * remove them again.
 * @param changes the newest first
 */
export function reactionsBefore(
  reactions: readonly Reaction[],
  changes: readonly Omit<ReactionChange, "message_id" | "seq">[],
): Reaction[] {
  return changes.reduce<Reaction[]>(
    (shown, { user_id: userId, emoji, on, count }) => {
      const others = (shown.find((each) => each.emoji === emoji)?.user_ids ?? []).filter(
        (id) => id !== userId,
      );
      const before = {
        emoji,
        count: on ? count - 1 : count + 1,
        user_ids: on ? others : [...others, userId].slice(0, reactionNamesMax),
      };
      const isShown = shown.some((each) => each.emoji === emoji);
      const all = isShown
        ? shown.map((each) => (each.emoji === emoji ? before : each))
        : [...shown, before];
      return all.filter((each) => each.count > 0);
    },
    [...reactions],
  );
}
