// Opens a source by the FastAPI server's DATABASE_URL or by the path of a file.
import { z } from "zod";
import { parseDatabaseUrl } from "../../config/database-address.ts";
import { withPostgres } from "./postgres-source.ts";
import { type Source, SourceError } from "./source.ts";
import { withSqlite } from "./sqlite-source.ts";

/** SQLAlchemy names its driver after a plus. */
const postgresPattern = /^postgres(?:ql)?(?:\+\w+)?:\/\//;
const sqlitePattern = /^sqlite(?:\+\w+)?:\/\/\//;

/**
 * Calls `work` with a source, which is only read, in one state.
 * @param place `postgres://…`, `sqlite:///…` or the path of a file of SQLite
 * @throws SourceError with a sentence for the user, when it cannot be opened
 */
export async function withSource<T>(
  place: string,
  work: (source: Source) => Promise<T>,
): Promise<T> {
  if (postgresPattern.test(place)) return withPostgres(parseAddress(place), work);
  const file = place.replace(sqlitePattern, "");
  if (/^\w[\w+]*:\/\//.test(file) || file === "") {
    throw new SourceError(
      "The source must be an address that begins with postgres:// or the path of a file of SQLite.",
    );
  }
  return withSqlite(file, work);
}

function parseAddress(place: string) {
  try {
    return parseDatabaseUrl(place.replace(postgresPattern, "postgres://"));
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    throw new SourceError(`The source's address ${error.issues[0]?.message}.`);
  }
}
