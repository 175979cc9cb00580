// A backup's file: gzipped SQL for psql, as pg_dump writes data. Its second line is a header in JSON, its last one has a
// hash of all before it, so that a file which was cut off or changed is seen before anything is done with it. Of its SQL we
// ourselves run nothing: rows and sequences are read from it.
// https://www.postgresql.org/docs/17/sql-copy.html has the text format.
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { z } from "zod";
import { quoted, quotedName, type Table } from "./tables.ts";

const anyFirstLine = "-- Gemini Coop backup, ";
const firstLine = `${anyFirstLine}format 1\n`;
const lastLinePrefix = "-- end of the backup, sha256 of all above: ";
/** No row of ours comes near it. */
const lineBytesMax = 64 * 1024 * 1024;
const newline = 0x0a;

export const Header = z.object({
  /** The release that made it. */
  version: z.string(),
  made_at: z.iso.datetime(),
  /** Versions of the migrations that the database had. */
  migrations: z.array(z.string().regex(/^\d+$/)).min(1),
  /** Rows of each table, in the order in which they follow. */
  rows: z.record(z.string(), z.int().nonnegative()),
});
export type Header = z.infer<typeof Header>;

export type Part =
  | { kind: "header"; header: Header }
  /** Some rows of a table, whole lines of COPY's text format. */
  | { kind: "rows"; table: Table; lines: Buffer; count: number }
  | { kind: "sequence"; name: string; lastValue: string; isCalled: boolean };

/** What is wrong with a file, in a sentence. */
export class ArchiveError extends Error {}

/** The value of a column, as PostgreSQL writes it, in COPY's text format. */
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

/** psql stops at the first error: rows must never be taken for statements. */
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
    `  if (select array_agg(version::text order by version) from public.schema_migrations) is distinct from array[${versions}] then\n` +
    "    raise exception 'the database has other migrations than the backup';\n" +
    "  end if;\n" +
    "end $$;\n"
  );
}

export function copyStatement({ name, columns }: Table): string {
  return `COPY ${quoted(name)} (${columns.map(quotedName).join(", ")}) FROM stdin`;
}

export function copyBegin(table: Table): string {
  return `alter table ${quoted(table.name)} disable trigger user;\n${copyStatement(table)};\n`;
}

export function copyEnd({ name }: Table): string {
  return `\\.\nalter table ${quoted(name)} enable trigger user;\n`;
}

export function sequenceLine(name: string, lastValue: string, isCalled: boolean): string {
  return `SELECT pg_catalog.setval('${quoted(name)}', ${lastValue}, ${isCalled});\n`;
}

export function lastLine(sha256: string): string {
  return `${lastLinePrefix}${sha256}\n`;
}

const copyPattern = /^COPY public\."(\w+)" \(("\w+"(?:, "\w+")*)\) FROM stdin;$/;
const sequencePattern = /^SELECT pg_catalog\.setval\('public\."(\w+)"', (\d+), (true|false)\);$/;

/**
 * Reads a backup from its beginning to its end. What came before is good only when it ends without an error: read it twice.
 * @throws ArchiveError when the file is no backup of ours, or not whole
 */
export async function* readArchive(path: string): AsyncGenerator<Part> {
  const reader = createReader(path);
  let rest = Buffer.alloc(0);
  try {
    // What fails on the way makes the last stream fail.
    const bytes = pipeline(createReadStream(path), createGunzip(), () => undefined);
    for await (const chunk of bytes) {
      const data = Buffer.concat([rest, chunk]);
      const end = data.lastIndexOf(newline) + 1;
      rest = data.subarray(end);
      if (rest.length > lineBytesMax) throw notWhole();
      yield* reader.read(data.subarray(0, end));
    }
  } catch (error) {
    throw readFault(path, error, reader.isOurs);
  }
  if (rest.length > 0 || !reader.isWhole) throw reader.isOurs ? notWhole() : notOurs(path);
}

/** Follows the lines of a backup. */
function createReader(path: string) {
  const hash = new Bun.CryptoHasher("sha256");
  let lineCount = 0;
  let header: Header | undefined;
  let table: Table | undefined;
  let isWhole = false;

  /** @returns undefined for a line that is for psql only */
  function readLine(line: string): Part | undefined {
    lineCount += 1;
    if (lineCount === 1) {
      if (`${line}\n` === firstLine) return undefined;
      throw line.startsWith(anyFirstLine) ? ofOtherFormat(path) : notOurs(path);
    }
    if (lineCount === 2) {
      header = Header.parse(JSON.parse(line.slice("-- ".length)));
      return { kind: "header", header };
    }
    const [, name, columns = ""] = copyPattern.exec(line) ?? [];
    if (name !== undefined) table = { name, columns: columns.slice(1, -1).split('", "') };
    const [, sequence, lastValue = "", isCalled] = sequencePattern.exec(line) ?? [];
    if (sequence === undefined) return undefined;
    return { kind: "sequence", name: sequence, lastValue, isCalled: isCalled === "true" };
  }

  return {
    get isOurs() {
      return header !== undefined;
    },
    get isWhole() {
      return isWhole;
    },
    /** @param data whole lines */
    *read(data: Buffer): Generator<Part> {
      for (let at = 0; at < data.length;) {
        if (isWhole) throw notWhole();
        if (table) {
          const end = endOfRows(data, at);
          const lines = data.subarray(at, end);
          hash.update(lines);
          if (end > at) yield { kind: "rows", table, lines, count: countLines(lines) };
          at = end;
          if (at < data.length) table = undefined;
          continue;
        }
        const next = data.indexOf(newline, at) + 1;
        const line = data.toString("utf8", at, next - 1);
        if (line.startsWith(lastLinePrefix)) {
          isWhole = line.slice(lastLinePrefix.length) === hash.digest("hex");
          if (!isWhole) throw notWhole();
        } else {
          hash.update(data.subarray(at, next));
          const part = readLine(line);
          if (part) yield part;
        }
        at = next;
      }
    },
  };
}

/** Where the line `\.` begins, or the data end. No row has such a line, since backslashes in it are doubled. */
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

function readFault(path: string, error: unknown, isOurs: boolean): ArchiveError {
  if (error instanceof ArchiveError) return error;
  if (error instanceof Error && "code" in error && String(error.code).startsWith("E")) {
    const isOfFile = !String(error.code).startsWith("ERR_");
    if (isOfFile) return new ArchiveError(`The backup cannot be read: ${error.message}`);
  }
  return isOurs ? notWhole() : notOurs(path);
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
  return new ArchiveError(`${path} is no backup that \`bun run db:backup\` has made.`);
}
