// The group commit of new messages.
import { z } from "zod";
import { databaseError, many, type Sql } from "../database/connect.ts";
import { botUsername, Message } from "../wire/messages.ts";
import { insertOnce, type InsertOptions, type NewMessage } from "./insert-queries.ts";
import { findSentMessages, newMessage, type SentMessage } from "./messages.ts";

export type { NewMessage } from "./insert-queries.ts";

/**
 * `stranger`: the sender is not in the chat. `must_ask`: every message of an AI chat needs a run, and this one has none.
 * `late`: its run has ended while it waited. `no_files`: one of its files is not its sender's, not of the chat, was sent before, or
 * is gone. These four store nothing. `known`: the client id had been used before, and this is that first message.
 */
export type InsertedMessage =
  | { outcome: "sent"; message: Message; answer: Message | undefined }
  | ({ outcome: "known" } & SentMessage)
  | { outcome: "stranger" }
  | { outcome: "must_ask" }
  | { outcome: "late" }
  | { outcome: "no_files" };

const InsertedRow = z.discriminatedUnion("outcome", [
  z.object({
    n: z.int(),
    outcome: z.literal("sent"),
    id: z.int(),
    seq: z.int(),
    created_at: z.string(),
    /** Null if no message of the statement mentions anybody. */
    mentions: Message.shape.mentions.nullable(),
    /** Null if no message of the statement has files. */
    attachments: Message.shape.attachments.nullable(),
    answer_id: z.int().nullable(),
    answer_seq: z.int().nullable(),
  }),
  z.object({ n: z.int(), outcome: z.literal("known"), id: z.int() }),
  z.object({ n: z.int(), outcome: z.literal("must_ask") }),
  z.object({ n: z.int(), outcome: z.literal("late") }),
  z.object({ n: z.int(), outcome: z.literal("no_files") }),
]);
type InsertedRow = z.infer<typeof InsertedRow>;

/**
 * Stores messages of any chats and senders in one statement, in the order given. Chats are locked in the order of their
 * ids, so that two servers never deadlock, and the numbers of a chat continue from its locked row. The membership is a row
 * lock, so that nobody writes after a removal that was committed before. A question and its empty, streaming answer are
 * stored together, so that the answer has a message that can always be brought to its end.
 *
 * If two statements with the same client id run at the same time (on two servers, or when a connection broke and the message
 * was sent again), the later one fails on messages_client_id_key, because its snapshot is older than the first commit.
 */
export async function insertMessages(
  sql: Sql,
  items: NewMessage[],
  options: InsertOptions,
): Promise<InsertedMessage[]> {
  const firstWith = new Map<string, number>();
  const firsts = items.map((item, index) => {
    if (item.clientId === undefined) return index;
    // In an AI chat the same content may come as a plain message, which is refused, and as a question.
    const key = `${item.chatId} ${item.userId} ${item.runId !== undefined} ${item.clientId}`;
    return firstWith.getOrInsert(key, index);
  });
  const rows = await insertDistinct(
    sql,
    items.filter((_, index) => firsts[index] === index),
    options,
  );
  const known = await findKnown(sql, rows);
  let next = 0;
  const outcomes: InsertedMessage[] = [];
  items.forEach((item, index) => {
    const first = firsts[index] ?? index;
    if (first === index) {
      next += 1;
      outcomes.push(outcomeOf(item, rows.get(next), known));
    } else {
      const outcome = outcomes[first] ?? { outcome: "stranger" };
      outcomes.push(
        outcome.outcome === "sent"
          ? { outcome: "known", message: outcome.message, sentContent: outcome.message.content }
          : outcome,
      );
    }
  });
  return outcomes;
}

async function insertDistinct(
  sql: Sql,
  items: NewMessage[],
  options: InsertOptions,
): Promise<Map<number, InsertedRow>> {
  const insert = () => insertOnce(sql, items, options);
  const rows = await insert().catch((error: unknown) => {
    if (databaseError(error)?.constraint !== "messages_client_id_key") throw error;
    // The first message has been committed meanwhile: a second try finds it.
    return insert();
  });
  return new Map(many(rows, InsertedRow).map((row) => [row.n, row]));
}

/** Reads the messages that were sent before, by their ids: retries are rare, and most statements need nothing of them. */
async function findKnown(
  sql: Sql,
  rows: Map<number, InsertedRow>,
): Promise<Map<number, SentMessage>> {
  const ids = [...rows.values()].flatMap((row) => (row.outcome === "known" ? [row.id] : []));
  return ids.length === 0 ? new Map() : await findSentMessages(sql, ids);
}

function outcomeOf(
  item: NewMessage,
  row: InsertedRow | undefined,
  known: Map<number, SentMessage>,
): InsertedMessage {
  if (row?.outcome === "must_ask" || row?.outcome === "late" || row?.outcome === "no_files") {
    return { outcome: row.outcome };
  }
  if (row?.outcome === "known") {
    const sent = known.get(row.id);
    return sent ? { outcome: "known", ...sent } : { outcome: "stranger" };
  }
  if (!row) return { outcome: "stranger" };
  const message = newMessage({
    id: row.id,
    chat_id: item.chatId,
    seq: row.seq,
    updated_seq: row.seq,
    user_id: item.userId,
    username: item.username,
    content: item.content,
    client_id: item.clientId ?? null,
    created_at: row.created_at,
    reply_to: item.replyTo ?? null,
    mentions: row.mentions ?? [],
    attachments: row.attachments ?? [],
  });
  if (row.answer_id === null || row.answer_seq === null) {
    return { outcome: "sent", message, answer: undefined };
  }
  const answer = newMessage({
    id: row.answer_id,
    chat_id: item.chatId,
    seq: row.answer_seq,
    updated_seq: row.answer_seq,
    user_id: null,
    username: botUsername,
    content: "",
    is_bot: true,
    status: "streaming",
    answer_to: message.id,
    created_at: row.created_at,
  });
  return { outcome: "sent", message, answer };
}
