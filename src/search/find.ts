// The newest messages that match, over all chats of a person.
import type { Sql } from "../database/connect.ts";
import {
  findByIndex,
  scanNewest,
  type OwnChats,
  type Place,
  type Scan,
  type Sought,
  type Unsearched,
} from "./queries.ts";

/** Rows of each chat that the first scan looks at. It takes some 2 ms for 100 chats. */
const firstRows = 10;
/** Rows of all chats together that the second scan looks at. */
const secondRows = 4_000;
/** With fewer matching rows in a scan than one in so many, the index is quicker than another scan. */
const rowsPerMatchMax = 100;

/**
 * Finds the newest matching messages in the chats of a person, `limit` at most, newest first. Most searches for frequent words end
 * with the newest messages of each chat. For the chats in which they don't, the index has the rest.
 * @returns undefined if the person is in no chat
 */
export async function findNewest(
  sql: Sql,
  sought: Sought,
  chats: OwnChats,
  limit: number,
): Promise<Place[] | undefined> {
  const first = await scanNewest(sql, sought, chats, { rows: firstRows, limit });
  if (first.length === 0) return undefined;
  let found = newestOf(
    first.flatMap((scan) => scan.found),
    limit,
  );
  let unsearched = unsearchedAfter(first, firstRows, found[limit - 1]);
  if (unsearched.length > 0 && isFrequent(first)) {
    const rows = Math.max(firstRows, Math.floor(secondRows / unsearched.length));
    const second = await scanNewest(sql, sought, unsearched, { rows, limit });
    found = newestOf([...found, ...second.flatMap((scan) => scan.found)], limit);
    unsearched = unsearchedAfter(second, rows, found[limit - 1]);
  }
  if (unsearched.length === 0) return found;
  const above = found[limit - 1];
  const others = await findByIndex(sql, sought, unsearched, { above, limit });
  return newestOf([...found, ...others], limit);
}

/** The chats that may have more matching messages above the last one of a page, which is undefined while the page is not full. */
function unsearchedAfter(
  scans: readonly Scan[],
  rows: number,
  last: Place | undefined,
): Unsearched[] {
  return scans.flatMap((scan) => {
    const isSearched =
      scan.rows < rows || !scan.last || (last !== undefined && isNewer(last, scan.last));
    return isSearched || !scan.last ? [] : { chatId: scan.chatId, below: scan.last };
  });
}

function isFrequent(scans: readonly Scan[]): boolean {
  const rows = scans.reduce((sum, scan) => sum + scan.rows, 0);
  const matching = scans.reduce((sum, scan) => sum + scan.found.length, 0);
  return matching * rowsPerMatchMax >= rows;
}

function isNewer(a: Place, b: Place): boolean {
  return a.at !== b.at ? a.at > b.at : a.id > b.id;
}

function newestOf(places: Place[], limit: number): Place[] {
  return places.sort((a, b) => b.at - a.at || b.id - a.id).slice(0, limit);
}
