// Reactions in the model of the log, and how a play learns their numbers.
import { z } from "zod";
import { many, type Sql } from "../../../src/database/connect.ts";
import type { Reaction as ShownReaction } from "../../../src/wire/messages.ts";

export interface Reaction {
  kind: "reaction";
  messageId: number;
  userId: number;
  emoji: string;
  on: boolean;
  count: number;
}

/** A reaction to a message that was deleted since, of which only the number is left. */
export interface ErasedReaction {
  kind: "erased_reaction";
  messageId: number;
}

/** A reaction that somebody has asked for, and was acknowledged. */
export type Asking = Omit<Reaction, "kind" | "count">;

/** Adds one reaction to those of a message. @returns them, or the reason why it cannot come next as a text */
export function withReaction(
  shown: readonly ShownReaction[],
  { emoji, userId, on, count }: Reaction,
): ShownReaction[] | string {
  const { user_ids = [] } = shown.find((each) => each.emoji === emoji) ?? {};
  if (user_ids.includes(userId) === on) return "a reaction that changed nothing took a number";
  const people = on ? [...user_ids, userId] : user_ids.filter((id) => id !== userId);
  if (people.length !== count) return `a reaction counted ${count}, not ${people.length}`;
  const changed = { emoji, count, user_ids: people };
  if (user_ids.length === 0) return [...shown, changed];
  return shown
    .map((each) => (each.emoji === emoji ? changed : each))
    .filter((each) => each.count > 0);
}

const StoredChange = z.object({
  seq: z.int(),
  kind: z.enum(["reaction_added", "reaction_removed", "message_updated"]),
  message_id: z.int(),
  user_id: z.int().nullable(),
  emoji: z.string().nullable(),
  emoji_count: z.int().nullable(),
});

/**
 * Reads the changes of a chat's messages above a number: a client is not told the number of its own reaction. A change that is
 * not known otherwise is an erased reaction.
 */
export async function readReactions(
  sql: Sql,
  chatId: number,
  after: number,
): Promise<Map<number, Reaction | ErasedReaction>> {
  const rows = await sql`
    select seq, kind, message_id, user_id, emoji, emoji_count from chat_changes
    where chat_id = ${chatId} and seq > ${after} and kind in ('reaction_added', 'reaction_removed', 'message_updated')
  `;
  return new Map(
    many(rows, StoredChange).map((change): [number, Reaction | ErasedReaction] => {
      const { seq, kind, message_id: messageId, ...row } = change;
      if (kind === "message_updated") return [seq, { kind: "erased_reaction", messageId }];
      const { user_id: userId = 0, emoji, emoji_count: count } = row;
      const person = { userId: userId ?? 0, emoji: emoji ?? "", count: count ?? 0 };
      return [seq, { kind: "reaction", messageId, ...person, on: kind === "reaction_added" }];
    }),
  );
}

/**
 * Each stored reaction was asked for, and what was asked for once is so.
 * @param shownOf the reactions of a message after the step
 */
export function faultOfReactions(
  stored: readonly Asking[],
  asked: readonly Asking[],
  shownOf: (messageId: number) => readonly ShownReaction[] | undefined,
): string | undefined {
  const isSame = (one: Asking) => (other: Asking) =>
    one.messageId === other.messageId && one.userId === other.userId && one.emoji === other.emoji;
  const alike = (list: readonly Asking[], one: Asking) =>
    list.filter(isSame(one)).filter(({ on }) => on === one.on);
  const unasked = stored.find((one) => alike(stored, one).length > alike(asked, one).length);
  if (unasked) return `nobody asked for ${JSON.stringify(unasked)}`;
  const lost = asked.find((one) => {
    const shown = shownOf(one.messageId);
    if (shown === undefined || asked.filter(isSame(one)).length > 1) return false;
    const { user_ids = [] } = shown.find(({ emoji }) => emoji === one.emoji) ?? {};
    return user_ids.includes(one.userId) !== one.on;
  });
  return lost && `${JSON.stringify(lost)} was acknowledged and is not so`;
}
