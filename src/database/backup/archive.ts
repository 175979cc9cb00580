// The file of a backup: gzipped SQL for psql, with the rows as pg_dump writes them. Its second line is a header in JSON, its
// last line has a hash of everything before it, so that a file that was cut off or changed is refused before anything is done
// with it. A restore runs none of its SQL: it reads rows and sequences.
// https://www.postgresql.org/docs/17/sql-copy.html has the text format.
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { z } from "zod";
import { quotedName } from "../names.ts";
import type { Table } from "./tables.ts";

const anyFirstLine = "-- Gemini Coop backup, ";
const firstLine = `${anyFirstLine}format 1\n`;
const lastLinePrefix = "-- end of the backup, sha256 of all above: ";
/** No row comes near it. */
const lineBytesMax = 64 * 1024 * 1024;
const newline = 0x0a;

export const Header = z.object({
  /** The release that made the backup. */
  version: z.string(),
  made_at: z.iso.datetime(),
  /** Versions of the migrations that had been applied. */
  migrations: z.array(z.string().regex(/^\d+$/)).min(1),
  /** Row counts of the tables, in the order in which they follow. */
  rows: z.record(z.string(), z.int().nonnegative()),
});
export type Header = z.infer<typeof Header>;

export type Part =
  | { kind: "header"; header: Header }
  /** Some rows of a table, whole lines of COPY's text format. */
  | { kind: "rows"; table: Table; lines: Buffer; count: number }
  | { kind: "sequence"; name: string; lastValue: string; isCalled: boolean };

/** A file that is no whole backup; the message is a sentence for the user. */
export class ArchiveError extends Error {}

/** A column's value, given as PostgreSQL's text of it, in COPY's text format. */
export function copyValue(value: Uint8Array | null): string {
  if (value === null) return "\\N";
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    .toString("utf8")
    .replace(/[\\\b\f\n\r\t\v]/g, (character) => escapes[character] ?? character);
}

const escapes: Record<string, string> = {
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

/** The beginning of the file. It makes psql stop at the first error, so that rows are never taken for statements. */
export function preamble(header: Header): string {
  const versions = header.migrations.map((version) => `'${version}'`).join(", ");
  return (
    firstLine +
    `-- ${JSON.stringify(header)}\n` +
    "-- Into an empty database: bun run db:restore FILE; or, when it has the same migrations: gunzip -c FILE | psql URL\n" +
    "\\set ON_ERROR_STOP on\n" +
    "begin;\n" +
    "set local statement_timeout = 0;\n" +
    "set local client_encoding = 'UTF8';\n" +
    "do $$ begin\n" +
    `  if (select array_agg(version::text order by version) from schema_migrations) is distinct from array[${versions}] then\n` +
    "    raise exception 'the database has other migrations than the backup';\n" +
    "  end if;\n" +
    "end $$;\n"
  );
}

export function copyStatement({ name, columns }: Table): string {
  return `COPY ${quotedName(name)} (${columns.map(quotedName).join(", ")}) FROM stdin`;
}

export function copyBegin(table: Table): string {
  return `alter table ${quotedName(table.name)} disable trigger user;\n${copyStatement(table)};\n`;
}

export function copyEnd({ name }: Table): string {
  return `\\.\nalter table ${quotedName(name)} enable trigger user;\n`;
}

export function sequenceLine(name: string, lastValue: string, isCalled: boolean): string {
  return `SELECT pg_catalog.setval('${quotedName(name)}', ${lastValue}, ${isCalled});\n`;
}

export function lastLine(sha256: string): string {
  return `${lastLinePrefix}${sha256}\n`;
}

/** Earlier releases named the schema. */
const copyPattern = /^COPY (?:public\.)?"(\w+)" \(("\w+"(?:, "\w+")*)\) FROM stdin;$/;
const sequencePattern =
  /^SELECT pg_catalog\.setval\('(?:public\.)?"(\w+)"', (\d+), (true|false)\);$/;

/**
 * Reads a backup from its beginning to its end. Its parts can be trusted only once it has ended without an error, so a restore
 * reads it twice.
 * @throws ArchiveError when the file is no backup, or not whole
 */
export async function* readArchive(path: string): AsyncGenerator<Part> {
  const reader = new ArchiveReader(path);
  let rest = Buffer.alloc(0);
  try {
    // An error of any stream of the pipeline makes the last one fail.
    const bytes = pipeline(createReadStream(path), createGunzip(), () => undefined);
    for await (const chunk of bytes) {
      const data = Buffer.concat([rest, chunk]);
      const end = data.lastIndexOf(newline) + 1;
      rest = data.subarray(end);
      if (rest.length > lineBytesMax) throw notWhole();
      yield* reader.read(data.subarray(0, end));
    }
  } catch (error) {
    throw readFault(path, error, reader.hasHeader);
  }
  if (rest.length > 0 || !reader.isWhole) throw reader.hasHeader ? notWhole() : notOurs(path);
}

/** Parses the lines of a backup. */
class ArchiveReader {
  readonly #path: string;
  readonly #hash = new Bun.CryptoHasher("sha256");
  #lineCount = 0;
  #hasHeader = false;
  #isWhole = false;
  /** The table whose rows are being read. */
  #table: Table | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  get hasHeader(): boolean {
    return this.#hasHeader;
  }

  /** Whether the last line has been read, and its hash was right. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** @param data whole lines */
  *read(data: Buffer): Generator<Part> {
    for (let at = 0; at < data.length;) {
      if (this.#isWhole) throw notWhole();
      if (this.#table) {
        const end = endOfRows(data, at);
        const lines = data.subarray(at, end);
        this.#hash.update(lines);
        if (end > at) yield { kind: "rows", table: this.#table, lines, count: countLines(lines) };
        at = end;
        if (at < data.length) this.#table = undefined;
        continue;
      }
      const next = data.indexOf(newline, at) + 1;
      const part = this.#readLine(data.subarray(at, next));
      if (part) yield part;
      at = next;
    }
  }

  /** @returns undefined for a line that only psql needs */
  #readLine(bytes: Buffer): Part | undefined {
    const line = bytes.toString("utf8", 0, bytes.length - 1);
    if (line.startsWith(lastLinePrefix)) {
      this.#isWhole = line.slice(lastLinePrefix.length) === this.#hash.digest("hex");
      if (!this.#isWhole) throw notWhole();
      return undefined;
    }
    this.#hash.update(bytes);
    this.#lineCount += 1;
    if (this.#lineCount === 1) {
      if (`${line}\n` === firstLine) return undefined;
      throw line.startsWith(anyFirstLine) ? ofOtherFormat(this.#path) : notOurs(this.#path);
    }
    if (this.#lineCount === 2) {
      const header = Header.parse(JSON.parse(line.slice("-- ".length)));
      this.#hasHeader = true;
      return { kind: "header", header };
    }
    const [, name, columns = ""] = copyPattern.exec(line) ?? [];
    if (name !== undefined) this.#table = { name, columns: columns.slice(1, -1).split('", "') };
    const [, sequence, lastValue = "", isCalled] = sequencePattern.exec(line) ?? [];
    if (sequence === undefined) return undefined;
    return { kind: "sequence", name: sequence, lastValue, isCalled: isCalled === "true" };
  }
}

/** The offset of the line `\.`, or of the data's end. No row has such a line, since backslashes in rows are doubled. */
function endOfRows(data: Buffer, from: number): number {
  if (data.toString("latin1", from, from + 3) === "\\.\n") return from;
  const found = data.indexOf("\n\\.\n", from, "latin1");
  return found < 0 ? data.length : found + 1;
}

function countLines(lines: Buffer): number {
  let count = 0;
  for (let at = lines.indexOf(newline); at >= 0; at = lines.indexOf(newline, at + 1)) count += 1;
  return count;
}

function readFault(path: string, error: unknown, hasHeader: boolean): ArchiveError {
  if (error instanceof ArchiveError) return error;
  if (error instanceof Error && "code" in error && String(error.code).startsWith("E")) {
    const isOfFile = !String(error.code).startsWith("ERR_");
    if (isOfFile) return new ArchiveError(`The backup cannot be read: ${error.message}`);
  }
  return hasHeader ? notWhole() : notOurs(path);
}

function notWhole(): ArchiveError {
  return new ArchiveError(
    "The backup is not whole: it was cut off or changed after it was made. Nothing was restored; take another one.",
  );
}

function ofOtherFormat(path: string): ArchiveError {
  return new ArchiveError(
    `${path} is a backup of a newer release, which this one cannot read: restore it with that.`,
  );
}

function notOurs(path: string): ArchiveError {
  return new ArchiveError(`${path} is no backup made by \`bun run db:backup\`.`);
}
