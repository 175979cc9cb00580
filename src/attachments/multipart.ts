// Reads the file of a multipart/form-data body (RFC 7578) as it arrives. `Request.formData()` would hold the whole body in memory.
import { Problem } from "../wire/problems.ts";

const headerBytesMax = 16 * 1024;
/** Bytes before the file: headers, and fields of a form, which are ignored. */
const otherBytesMax = 64 * 1024;

export interface FilePart {
  /** The name that the form gives; undefined if it gives none. */
  name: string | undefined;
  chunks: AsyncIterable<Uint8Array>;
}

/** The boundary of a Content-Type; undefined if it has none. */
export function boundaryOf(contentType: string): string | undefined {
  const [, quoted, plain] =
    /;\s*boundary=(?:"([^"]{1,70})"|([^\s;,"]{1,70}))/i.exec(contentType) ?? [];
  return quoted ?? plain;
}

/**
 * Finds the first part of a body that is a file. Parts before it are skipped, and so is an input of a page without a file; the rest of the
 * body is not read.
 * @param chunks of the body, each valid until the next one is requested; so are the chunks of the file
 * @throws Problem `unsupported_media_type` for a body without a file, `too_large` for long headers and fields; the chunks of
 * the file throw `bad_request` where the body ends before the file does
 */
export async function findFile(
  chunks: AsyncIterator<Uint8Array>,
  boundary: string,
): Promise<FilePart> {
  const reader = new BoundaryReader(chunks, boundary);
  await reader.skip();
  let hasEmptyInput = false;
  for (;;) {
    const headers = await reader.headers();
    if (headers === undefined && hasEmptyInput) return { name: undefined, chunks: nothing() };
    if (headers === undefined) {
      throw new Problem(
        "unsupported_media_type",
        "The form has no file. Send one as a part with a filename.",
      );
    }
    const file = fileOf(headers);
    if (file?.name !== undefined) return { name: file.name, chunks: reader.content() };
    if (!file) {
      await reader.skip();
      continue;
    }
    // A browser sends an input in which no file was chosen as an empty file without a name (HTML, "constructing the entry list").
    const content = reader.content();
    const first = await content.next();
    if (!first.done) return { name: undefined, chunks: following(first.value, content) };
    hasEmptyInput = true;
  }
}

async function* nothing(): AsyncGenerator<Uint8Array, void> {}

async function* following(
  first: Uint8Array,
  rest: AsyncGenerator<Uint8Array, void>,
): AsyncGenerator<Uint8Array, void> {
  yield first;
  yield* rest;
}

/**
 * Browsers write UTF-8 as `filename`, and percent-encode quotes and line breaks (HTML, "multipart/form-data encoding algorithm"). Other
 * clients, such as .NET's, write other characters than ASCII as `filename*`, which takes precedence (RFC 6266 §4.3).
 * @returns undefined for a part that is no file
 */
function fileOf(headers: string): { name: string | undefined } | undefined {
  const disposition = /^content-disposition:(.*)$/im.exec(headers)?.[1] ?? "";
  const parameters = new Map<string, string>();
  for (const [, key = "", quoted, plain] of disposition.matchAll(
    /;\s*([^\s;="]+)=(?:"((?:\\.|[^"\\])*)"|([^;\s]*))/g,
  )) {
    parameters.set(key.toLowerCase(), quoted ?? plain ?? "");
  }
  const plain = parameters.get("filename");
  const extended = parameters.get("filename*");
  if (plain === undefined && extended === undefined) return undefined;
  const name = decoded(extended) ?? plain?.replace(/%22|%0D|%0A/gi, "_").replace(/\\"/g, "_");
  return { name: name === "" ? undefined : name };
}

/** The text of a parameter in UTF-8 (RFC 8187 §3.2); undefined for anything else. */
function decoded(extended: string | undefined): string | undefined {
  const [, encoded] = /^utf-8'[^']*'(.+)$/i.exec(extended ?? "") ?? [];
  if (encoded === undefined) return undefined;
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}

class BoundaryReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #delimiter: Buffer;
  /** Bytes that have arrived and are not used. The first boundary of a body has no line break before it. */
  #held: Buffer = Buffer.from("\r\n");
  #otherBytes = 0;

  constructor(chunks: AsyncIterator<Uint8Array>, boundary: string) {
    this.#chunks = chunks;
    this.#delimiter = Buffer.from(`\r\n--${boundary}`);
  }

  /** The headers of the part that begins here; undefined at the end of the body. */
  async headers(): Promise<string | undefined> {
    for (;;) {
      if (this.#held.length >= 2 && this.#held.toString("latin1", 0, 2) === "--") return undefined;
      const end = this.#held.indexOf("\r\n\r\n");
      if ((end < 0 ? this.#held.length : end) > headerBytesMax) throw tooLarge();
      if (end >= 0) {
        const text = this.#held.toString("utf8", 0, end);
        this.#held = this.#held.subarray(end + 4);
        this.#countOther(this.#delimiter.length + end + 4);
        return text;
      }
      await this.#more();
    }
  }

  /** Reads to the next boundary, and past it. */
  async skip(): Promise<void> {
    for await (const chunk of this.content()) this.#countOther(chunk.length);
  }

  /** Parts without content count, too: their headers take time. */
  #countOther(bytes: number): void {
    this.#otherBytes += bytes;
    if (this.#otherBytes > otherBytesMax) throw tooLarge();
  }

  /** The bytes up to the next boundary, which is passed over. */
  async *content(): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      const at = this.#held.indexOf(this.#delimiter);
      if (at >= 0) {
        if (at > 0) yield this.#held.subarray(0, at);
        this.#held = this.#held.subarray(at + this.#delimiter.length);
        return;
      }
      // A boundary may have begun in the last bytes.
      const safe = this.#held.length - this.#delimiter.length;
      if (safe > 0) {
        yield this.#held.subarray(0, safe);
        this.#held = Buffer.from(this.#held.subarray(safe));
      }
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    const { done, value } = await this.#chunks.next();
    if (done) throw new Problem("bad_request", "The form ends before its last boundary.");
    this.#held = this.#held.length === 0 ? Buffer.from(value) : Buffer.concat([this.#held, value]);
  }
}

function tooLarge(): Problem {
  return new Problem("too_large", "The form has too many other fields. Send the file alone.");
}
