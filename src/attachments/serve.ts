// Answers to requests for files: conditions, ranges, and headers that keep a file from running on this origin.
import type { Ctx } from "../context.ts";
import type { ByteRange } from "../file-store/file-store.ts";
import { Problem } from "../wire/problems.ts";
import { contentDisposition } from "./file-names.ts";
import { attachmentNotFound } from "./not-found.ts";
import { findServed, type ServedFile } from "./queries.ts";

/** The parts of a request that change its answer. */
export interface FileRequest {
  userId: number;
  chatId: number;
  attachmentId: number;
  /** One of the sizes of thumbnails; undefined for the file itself. */
  thumbnailSize?: number;
  /** Whether a ticket named the person: an image of another origin may show the file then. */
  hasTicket: boolean;
  isHead: boolean;
  range: string | undefined;
  ifRange: string | undefined;
  ifNoneMatch: string | undefined;
}

export interface FileAnswer {
  status: 200 | 206 | 302 | 304 | 416;
  headers: Record<string, string>;
  body: ReadableStream<Uint8Array> | null;
}

/** A file or a thumbnail, in the store. */
interface Stored {
  key: string;
  size: number;
  etag: string;
  mediaType: string;
  disposition: string;
}

/** @throws Problem `not_found`, `unavailable` */
export async function serveFile(ctx: Ctx, request: FileRequest): Promise<FileAnswer> {
  const { userId, chatId, attachmentId } = request;
  const served = await findServed(ctx.sql, userId, chatId, attachmentId);
  const file = served && storedOf(served, request.thumbnailSize);
  if (!file) throw await attachmentNotFound(ctx, userId, chatId);
  const headers: Record<string, string> = {
    ETag: file.etag,
    // It is asked for each time, so that somebody who has left is refused at once.
    "Cache-Control": "private, no-cache",
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Content-Disposition": file.disposition,
    "Accept-Ranges": "bytes",
    ...(request.hasTicket ? { "Cross-Origin-Resource-Policy": "cross-origin" } : {}),
  };
  if (matches(request.ifNoneMatch, file.etag)) return { status: 304, headers, body: null };
  // A signed address is one for GET alone.
  const signedUrl = request.isHead ? undefined : ctx.files.signedUrl(file.key, file);
  if (signedUrl !== undefined) {
    return { status: 302, headers: { ...headers, Location: signedUrl }, body: null };
  }
  return await wholeOrRange(ctx, request, file, headers);
}

async function wholeOrRange(
  ctx: Ctx,
  { ifRange, range: asked, isHead }: FileRequest,
  file: Stored,
  headers: Record<string, string>,
): Promise<FileAnswer> {
  const isFresh = ifRange === undefined || ifRange === file.etag;
  // RFC 9110 §14.2 defines ranges for GET alone.
  const range = isFresh && !isHead ? rangeOf(asked, file.size) : undefined;
  if (range === "unsatisfiable") {
    return {
      status: 416,
      headers: { ...headers, "Content-Range": `bytes */${file.size}` },
      body: null,
    };
  }
  const body = isHead ? null : await ctx.files.read(file.key, range);
  if (body === undefined) {
    ctx.log.error({ key: file.key }, "a file is missing in the store");
    throw new Problem("not_found", "The file is missing on the server.");
  }
  const typed = { ...headers, "Content-Type": file.mediaType };
  if (!range)
    return { status: 200, headers: { ...typed, "Content-Length": String(file.size) }, body };
  return {
    status: 206,
    headers: {
      ...typed,
      "Content-Length": String(range.end - range.start),
      "Content-Range": `bytes ${range.start}-${range.end - 1}/${file.size}`,
    },
    body,
  };
}

function storedOf(served: ServedFile, thumbnailSize: number | undefined): Stored | undefined {
  const { name, key, size, sha256, kind, media_type: type } = served;
  if (thumbnailSize === undefined) {
    const isShown = kind !== "file";
    return {
      key,
      size,
      etag: `"${sha256}"`,
      mediaType: type === "text/plain" ? "text/plain; charset=utf-8" : type,
      disposition: contentDisposition(isShown ? "inline" : "attachment", name),
    };
  }
  const thumbnail = served.thumbnails.find((each) => each.size === thumbnailSize);
  return (
    thumbnail && {
      key: thumbnail.key,
      size: thumbnail.length,
      etag: `"${sha256}-${thumbnailSize}"`,
      mediaType: "image/webp",
      disposition: contentDisposition("inline", `${name}.webp`),
    }
  );
}

/** RFC 9110 §13.1.2, with the weak comparison. */
function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === "*") return true;
  return ifNoneMatch.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag);
}

/**
 * RFC 9110 §14.1.2. Several ranges are answered with the whole file, which §14.2 allows, and so is what is no range of bytes.
 * @returns undefined for the whole file
 */
export function rangeOf(
  header: string | undefined,
  size: number,
): ByteRange | "unsatisfiable" | undefined {
  const [, first, last] = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(header ?? "") ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) return undefined;
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "unsatisfiable" : { start: size - length, end: size };
  }
  const start = Number(first);
  const end = last === "" ? size : Math.min(Number(last) + 1, size);
  if (last !== "" && Number(last) < start) return undefined;
  return start >= size ? "unsatisfiable" : { start, end };
}
