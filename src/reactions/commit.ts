// The group commit of reactions.
import { GroupCommit } from "../database/group-commit.ts";
import type { Sql } from "../database/connect.ts";
import type { Reaction } from "../wire/messages.ts";
import { storeReactions, type ReactionChange, type StoredRow } from "./queries.ts";

const groupMax = 256;
const queueMax = 10_000;

/**
 * `stranger`: the person is not in the chat. `no_message`: the chat has no such message. `deleted`: the message was deleted.
 * `too_many`: it has as many different emoji as it may have. These four store nothing.
 */
export type StoredReaction =
  | { outcome: "stranger" | "no_message" | "deleted" | "too_many" }
  | {
      outcome: "stored";
      /** All reactions of the message, and the number of its last change. */
      reactions: Reaction[];
      updatedSeq: number;
      /** The number of the change, and how many people have reacted with the emoji after it. Undefined if nothing has changed. */
      change: { seq: number; count: number } | undefined;
    };

export interface StoreReaction {
  /**
   * Stores a reaction in the next group commit.
   * @throws Problem `unavailable`
   */
  (change: ReactionChange): Promise<StoredReaction>;
  /** Reactions that wait for their group, without those in flight. */
  waitingCount(): number;
}

export function createStoreReaction(sql: Sql): StoreReaction {
  const groupCommit = new GroupCommit<ReactionChange, StoredReaction>(
    (changes) => storeGroup(sql, changes),
    { keyOf: (change) => change.chatId, sizeMax: groupMax, queueMax },
  );
  return Object.assign((change: ReactionChange) => groupCommit.add(change), {
    waitingCount: () => groupCommit.waitingCount,
  });
}

/**
 * A group stores only the last of several changes of one person, message and emoji: it decides what stands after all of
 * them, and nobody could see what would have stood between them.
 */
async function storeGroup(sql: Sql, changes: ReactionChange[]): Promise<StoredReaction[]> {
  const lasts = new Map<string, ReactionChange>();
  for (const change of changes) lasts.set(keyOf(change), change);
  const distinct = [...lasts.values()];
  const rows = await storeReactions(sql, distinct);
  const rowOf = new Map(rows.map((row) => [distinct[row.n - 1], row]));
  const reactions = new Map(
    rows.flatMap((row) => (row.reactions ? [[row.message_id, row.reactions] as const] : [])),
  );
  return changes.map((change) => {
    const last = lasts.get(keyOf(change));
    const row = rowOf.get(last);
    return outcomeOf(change, row, {
      isLast: change === last,
      reactions: (row && reactions.get(row.message_id)) ?? [],
    });
  });
}

function outcomeOf(
  change: ReactionChange,
  row: StoredRow | undefined,
  { isLast, reactions }: { isLast: boolean; reactions: Reaction[] },
): StoredReaction {
  if (!row) return { outcome: "stranger" };
  const { outcome, seq, emoji_count: count, updated_seq: updatedSeq } = row;
  if (outcome === "no_message" || outcome === "deleted") return { outcome };
  // Taking a reaction back is never too many, even if the same person reacts in vain after it.
  if (outcome === "too_many" && change.on) return { outcome };
  const hasChanged = isLast && seq !== null && count !== null;
  return {
    outcome: "stored",
    reactions,
    updatedSeq: updatedSeq ?? 0,
    change: hasChanged ? { seq, count } : undefined,
  };
}

function keyOf({ chatId, messageId, userId, emoji }: ReactionChange): string {
  return `${chatId} ${messageId} ${userId} ${emoji}`;
}
