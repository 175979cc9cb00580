// The number of pages of a PDF, by which the model's tokens are estimated.
import { inflate } from "node:zlib";
import { promisify } from "node:util";

/** Larger documents are not searched: they would have to be in memory. */
export const countedBytesMax = 20 * 1024 * 1024;
const inflatedBytesMax = 16 * 1024 * 1024;
const objectStreamsMax = 2_000;
/** Bytes between the type of an object stream and its data. */
const dictionaryMax = 2_048;

const inflated = promisify(inflate);
/** A page, and not the tree of pages. */
const page = /\/Type\s*\/Page(?![A-Za-z])/g;

/**
 * Counts the page objects of a PDF, also those in compressed object streams. An edited document may have more of them than pages.
 * @returns undefined where none is found, as in an encrypted document
 */
export async function countPages(bytes: Buffer): Promise<number | undefined> {
  let pages = pagesIn(bytes);
  let at = bytes.indexOf("/ObjStm");
  for (let streams = 0; at >= 0 && streams < objectStreamsMax; streams += 1) {
    const data = streamAfter(bytes, at);
    if (data) {
      const objects = await inflated(data, { maxOutputLength: inflatedBytesMax }).catch(
        () => undefined,
      );
      if (objects) pages += pagesIn(objects);
    }
    at = bytes.indexOf("/ObjStm", at + 1);
  }
  return pages > 0 ? pages : undefined;
}

/** Only the places of the word are made texts, which is faster than to search all bytes as a text. */
function pagesIn(bytes: Buffer): number {
  let pages = 0;
  for (let at = bytes.indexOf("/Type"); at >= 0; at = bytes.indexOf("/Type", at + 5)) {
    page.lastIndex = 0;
    if (page.test(bytes.toString("latin1", at, at + 24))) pages += 1;
  }
  return pages;
}

function streamAfter(bytes: Buffer, at: number): Buffer | undefined {
  const keyword = bytes.indexOf("stream", at);
  if (keyword < 0 || keyword - at > dictionaryMax) return undefined;
  let start = keyword + "stream".length;
  if (bytes[start] === 13) start += 1;
  if (bytes[start] === 10) start += 1;
  const end = bytes.indexOf("endstream", start);
  return end < 0 ? undefined : bytes.subarray(start, end);
}
