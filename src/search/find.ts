// The newest messages that match, over all chats of a person.
import type { Sql } from "../database/connect.ts";
import { findByIndex, scanNewest, type Place, type Sought, type Unsearched } from "./queries.ts";

/** Rows that one scan looks at, in all chats together. At 1,000,000 messages it takes some 4 ms. */
const scanRows = 2_000;
const scanRowsOfChatMin = 10;
const scansMax = 2;
/** A second scan looks at so many times the rows of the first. */
const scanGrowth = 4;
/** With fewer matching rows in a scan than one in so many, the index is quicker than another scan. */
const rowsPerMatchMax = 200;

/**
 * Finds the newest matching messages in some chats, `limit` at most, newest first. Most searches for frequent words end with the
 * newest messages of each chat. For the chats in which they don't, the index has the rest.
 */
export async function findNewest(
  sql: Sql,
  sought: Sought,
  chats: readonly Unsearched[],
  limit: number,
): Promise<Place[]> {
  let unsearched = chats;
  let found: Place[] = [];
  let rowsInAll = scanRows;
  for (let scan = 0; scan < scansMax && unsearched.length > 0; scan += 1) {
    const rows = Math.max(scanRowsOfChatMin, Math.floor(rowsInAll / unsearched.length));
    const scans = await scanNewest(sql, sought, unsearched, { rows, limit });
    found = newestOf([...found, ...scans.flatMap((result) => result.found)], limit);
    const last = found[limit - 1];
    const rest: Unsearched[] = [];
    let lookedAt = 0;
    let matching = 0;
    for (const result of scans) {
      lookedAt += result.rows;
      matching += result.found.length;
      const isSearched = result.rows < rows || !result.last || (last && isNewer(last, result.last));
      if (!isSearched && result.last) rest.push({ chatId: result.chatId, below: result.last });
    }
    unsearched = rest;
    if (matching * rowsPerMatchMax < lookedAt) break;
    rowsInAll *= scanGrowth;
  }
  if (unsearched.length === 0) return found;
  const above = found[limit - 1];
  return newestOf(
    [...found, ...(await findByIndex(sql, sought, unsearched, { above, limit }))],
    limit,
  );
}

function isNewer(a: Place, b: Place): boolean {
  return a.at !== b.at ? a.at > b.at : a.id > b.id;
}

function newestOf(places: Place[], limit: number): Place[] {
  return places.sort((a, b) => b.at - a.at || b.id - a.id).slice(0, limit);
}
