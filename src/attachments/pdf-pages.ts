// The number of pages of a PDF, by which the model's tokens are estimated.
import { inflate } from "node:zlib";
import { promisify } from "node:util";

/** Larger documents are not searched: they would have to be in memory. */
export const countedBytesMax = 20 * 1024 * 1024;
/** Bytes of one inflated stream, and of all of them: a hostile document of 100 kB could have gigabytes. */
const inflatedBytesMax = 16 * 1024 * 1024;
const allInflatedBytesMax = 32 * 1024 * 1024;
const objectStreamsMax = 2_000;
/** Bytes between the type of an object stream and its data. */
const dictionaryMax = 2_048;
/** Bytes that are searched in a turn of the event loop, where the word is found in them: it takes some milliseconds. */
const turnBytes = 64 * 1024;

const inflated = promisify(inflate);
const nextTurn = promisify(setImmediate);
/** A page, and not the tree of pages. */
const page = /\/Type\s*\/Page(?![A-Za-z])/g;

/**
 * Counts the page objects of a PDF, also those in compressed object streams. An edited document may have more of them than pages.
 * @returns undefined where none is found, as in an encrypted document, and where too much would have to be inflated
 */
export async function countPages(bytes: Buffer): Promise<number | undefined> {
  let pages = await pagesIn(bytes);
  let bytesLeft = allInflatedBytesMax;
  let at = bytes.indexOf("/ObjStm");
  for (let streams = 0; at >= 0 && streams < objectStreamsMax; streams += 1) {
    const stream = streamAfter(bytes, at);
    if (stream === "endless") break;
    if (stream) {
      const objects = await inflated(stream.data, { maxOutputLength: inflatedBytesMax }).catch(
        () => undefined,
      );
      // A stream that breaks off may have been inflated up to there.
      bytesLeft -= objects?.length ?? (isDeflated(stream.data) ? inflatedBytesMax : 0);
      if (bytesLeft < 0) return undefined;
      if (objects) pages += await pagesIn(objects);
    }
    at = bytes.indexOf("/ObjStm", stream ? stream.end : at + 1);
  }
  return pages > 0 ? pages : undefined;
}

/** Only the places of the word are made texts, which is faster than to search all bytes as a text. */
async function pagesIn(bytes: Buffer): Promise<number> {
  let pages = 0;
  let turnAt = 0;
  for (let at = bytes.indexOf("/Type"); at >= 0; at = bytes.indexOf("/Type", at + 5)) {
    if (at - turnAt > turnBytes) {
      turnAt = at;
      await nextTurn();
    }
    page.lastIndex = 0;
    if (page.test(bytes.toString("latin1", at, at + 24))) pages += 1;
  }
  return pages;
}

/** The first byte of a zlib stream (RFC 1950 §2.2). */
const isDeflated = (data: Buffer) => ((data[0] ?? 0) & 0x0f) === 8;

/** @returns undefined where no stream follows, `endless` where the rest of the document has no end of one */
function streamAfter(
  bytes: Buffer,
  at: number,
): { data: Buffer; end: number } | "endless" | undefined {
  const keyword = bytes.subarray(at, at + dictionaryMax).indexOf("stream");
  if (keyword < 0) return undefined;
  let start = at + keyword + "stream".length;
  if (bytes[start] === 13) start += 1;
  if (bytes[start] === 10) start += 1;
  const end = bytes.indexOf("endstream", start);
  return end < 0 ? "endless" : { data: bytes.subarray(start, end), end };
}
