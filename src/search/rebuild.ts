// Rebuilding the index, also while servers use it: the words of each message are replaced in place.
import { z } from "zod";
import { many, type Sql } from "../database/connect.ts";
import { groupsOfParts, indexParts } from "./log-parts.ts";
import { addToProgress, type ChatBehind } from "./worker-queries.ts";

const chatsPerPage = 1_000;

export interface Rebuilt {
  chats: number;
  messages: number;
}

/**
 * Indexes all messages again. Searches find every message all the time, and the worker of a server may go on meanwhile.
 * @param progress is called with the counts so far, once for each page of chats
 */
export async function rebuildIndex(
  sql: Sql,
  progress: (counts: Rebuilt) => void,
): Promise<Rebuilt> {
  const counts: Rebuilt = { chats: 0, messages: 0 };
  let page = await chatsAfter(sql, 0);
  while (page.length > 0) {
    await addToProgress(
      sql,
      page.map(({ chatId }) => chatId),
    );
    let behind = page;
    while (behind.length > 0) {
      const indexedTo = new Map<number, number>();
      for (const parts of groupsOfParts(behind)) {
        counts.messages += (await indexParts(sql, parts, { rewrites: true })).count;
        for (const { chatId, upTo } of parts) indexedTo.set(chatId, upTo);
      }
      behind = behind
        .map((chat) => ({ ...chat, indexedSeq: indexedTo.get(chat.chatId) ?? chat.lastSeq }))
        .filter(({ indexedSeq, lastSeq }) => indexedSeq < lastSeq);
    }
    counts.chats += page.length;
    progress(counts);
    page = await chatsAfter(sql, page.at(-1)?.chatId ?? 0);
  }
  return counts;
}

/** Chats in the order of their ids, as if nothing of them were indexed. */
async function chatsAfter(sql: Sql, id: number): Promise<ChatBehind[]> {
  const rows = many(
    await sql`select id, last_seq from chats where id > ${id} order by id limit ${chatsPerPage}`,
    z.object({ id: z.int(), last_seq: z.int() }),
  );
  return rows.map((row) => ({
    chatId: row.id,
    indexedSeq: 0,
    lastSeq: row.last_seq,
    isKnown: true,
  }));
}
