// Indexing parts of some chats' logs.
import type { Sql } from "../database/connect.ts";
import { entryWords } from "./entry-words.ts";
import {
  readPendingTexts,
  storeEntries,
  type ChatBehind,
  type Entry,
  type LogPart,
} from "./worker-queries.ts";

/** Numbers of the logs in one statement. It takes some 25 ms, for which a deletion of the same message may wait. */
const numbersMax = 250;
/** After so much work the event loop gets its turn. */
const turnMs = 4;

export interface Indexed {
  /** Messages that were stored. */
  readonly count: number;
  /** When the oldest of the messages that are new was sent, in milliseconds since the epoch. */
  readonly oldestMs: number | undefined;
}

/** Whether a chat is so far behind that its log takes several parts. */
export function isLong({ indexedSeq, lastSeq }: ChatBehind): boolean {
  return lastSeq - indexedSeq > numbersMax;
}

/** Divides what chats are behind into groups of parts, each for one statement. Of a long log it has the first one. */
export function* groupsOfParts(chats: readonly ChatBehind[]): Generator<LogPart[]> {
  let group: LogPart[] = [];
  let numbers = 0;
  for (const { chatId, indexedSeq, lastSeq } of chats) {
    const upTo = Math.min(lastSeq, indexedSeq + numbersMax);
    if (numbers + upTo - indexedSeq > numbersMax) {
      yield group;
      group = [];
      numbers = 0;
    }
    group.push({ chatId, after: indexedSeq, upTo });
    numbers += upTo - indexedSeq;
  }
  if (group.length > 0) yield group;
}

/** Indexes the messages that came or changed within parts of the logs. @param rewrites also those that are indexed already */
export async function indexParts(
  sql: Sql,
  parts: readonly LogPart[],
  { rewrites = false }: { rewrites?: boolean } = {},
): Promise<Indexed> {
  const texts = await readPendingTexts(sql, parts);
  const entries: Entry[] = [];
  let oldestMs: number | undefined;
  let turnBegan = performance.now();
  for (const text of texts) {
    const { id: messageId, contentSeq, sentMs } = text;
    entries.push({ messageId, contentSeq, words: entryWords(text) });
    if (sentMs !== null) oldestMs = Math.min(oldestMs ?? Infinity, sentMs);
    if (performance.now() - turnBegan > turnMs) {
      await new Promise((resolve) => setImmediate(resolve));
      turnBegan = performance.now();
    }
  }
  return { count: await storeEntries(sql, entries, parts, { rewrites }), oldestMs };
}
