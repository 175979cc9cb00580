// The group commit of new messages.
import { databaseError, type Sql } from "../database/connect.ts";
import { blankMessage } from "../wire/blank-message.ts";
import { botUsername, type Message } from "../wire/messages.ts";
import { insertOnce, type InsertOptions, type Stored } from "./insert-queries.ts";
import { findSentMessages, type SentMessage } from "./messages.ts";
import type { NewMessage } from "./numbered-messages.ts";

export type { NewMessage } from "./numbered-messages.ts";

/**
 * `stranger`: the sender is not in the chat. `must_ask`: every message of an AI chat needs a run, and this one has none.
 * `late`: its run has ended while it waited. `no_files`: one of its files is not its sender's, not of the chat, was sent before, or
 * is gone. These four store nothing. `known`: the client id had been used before, and this is that first message.
 */
/** `members`: the number of the last change of the chat or of its people before the message. */
export type InsertedMessage =
  | { outcome: "sent"; message: Message; answer: Message | undefined; members: number }
  | ({ outcome: "known" } & SentMessage)
  | { outcome: "stranger" }
  | { outcome: "must_ask" }
  | { outcome: "late" }
  | { outcome: "no_files" };

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
  const distinct = items.filter((_, index) => firsts[index] === index);
  const stored = await insertDistinct(sql, distinct, options);
  const outcomes = (await outcomesOf(sql, distinct, stored)).values();
  const results: InsertedMessage[] = [];
  items.forEach((_, index) => {
    const first = firsts[index] ?? index;
    const outcome = first === index ? outcomes.next().value : results[first];
    results.push(first === index ? (outcome ?? stranger) : repeated(outcome ?? stranger));
  });
  return results;
}

const stranger: InsertedMessage = { outcome: "stranger" };

/** The outcome of an item that has the same client id as another one of its group. */
function repeated(outcome: InsertedMessage): InsertedMessage {
  if (outcome.outcome !== "sent") return outcome;
  return { outcome: "known", message: outcome.message, sentContent: outcome.message.content };
}

async function insertDistinct(
  sql: Sql,
  items: NewMessage[],
  options: InsertOptions,
): Promise<Stored> {
  const insert = () => insertOnce(sql, items, options);
  return await insert().catch((error: unknown) => {
    if (databaseError(error)?.constraint !== "messages_client_id_key") throw error;
    // The first message has been committed meanwhile: a second try finds it.
    return insert();
  });
}

/** Returns an outcome for each item of a statement, in order. Messages that were sent before are read: retries are rare. */
async function outcomesOf(
  sql: Sql,
  items: NewMessage[],
  { created_at, sent, answers, mentions, files, known, refused }: Stored,
): Promise<InsertedMessage[]> {
  const outcomes = items.map(() => stranger);
  for (const [n, id, seq, members] of sent ?? []) {
    const item = items[n - 1];
    if (!item) throw new Error(`a statement with ${items.length} items has stored number ${n}`);
    const message = sentMessage(item, { id, seq, created_at });
    outcomes[n - 1] = { outcome: "sent", message, answer: undefined, members };
  }
  for (const { n, user_ids: userIds } of mentions ?? []) {
    const outcome = outcomes[n - 1];
    if (outcome?.outcome === "sent") outcome.message.mentions = userIds;
  }
  for (const { n, shown } of files ?? []) {
    const outcome = outcomes[n - 1];
    if (outcome?.outcome === "sent") outcome.message.attachments = shown;
  }
  for (const [n, id, seq] of answers ?? []) {
    const outcome = outcomes[n - 1];
    if (outcome?.outcome === "sent") {
      outcome.answer = answerTo(outcome.message, { id, seq, created_at });
    }
  }
  const found = known
    ? await findSentMessages(
        sql,
        known.map(([, id]) => id),
      )
    : undefined;
  for (const [n, id] of known ?? []) {
    const message = found?.get(id);
    if (message) outcomes[n - 1] = { outcome: "known", ...message };
  }
  for (const { n, refusal } of refused ?? []) outcomes[n - 1] = { outcome: refusal };
  return outcomes;
}

type StoredMembers = Pick<Message, "id" | "seq" | "created_at">;

function sentMessage(item: NewMessage, { id, seq, created_at }: StoredMembers): Message {
  return {
    ...blankMessage,
    id,
    chat_id: item.chatId,
    seq,
    updated_seq: seq,
    user_id: item.userId,
    username: item.username,
    content: item.content,
    client_id: item.clientId ?? null,
    created_at,
    reply_to: item.replyTo ?? null,
  };
}

function answerTo(question: Message, { id, seq, created_at }: StoredMembers): Message {
  return {
    ...blankMessage,
    id,
    chat_id: question.chat_id,
    seq,
    updated_seq: seq,
    username: botUsername,
    is_bot: true,
    status: "streaming",
    answer_to: question.id,
    created_at,
  };
}
