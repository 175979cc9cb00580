// The database of a FastAPI server as the import reads it, whichever engine it has.

/** A row by the names that the import gives its columns. The values are as the engine has them. */
export type Row = Record<string, unknown>;

export interface Source {
  /** The columns of each table and view, by its name. */
  readonly tables: ReadonlyMap<string, readonly string[]>;
  /**
   * Reads a table in pages, so that it may be larger than the memory.
   * @param columns the column of each member of a row
   */
  readPages(table: string, columns: Readonly<Record<string, string>>): AsyncIterable<Row[]>;
}

/** Rows of a page. With the longest messages it is some tens of megabytes. */
export const pageSize = 500;

/** A source that cannot be used; the message is a sentence for the user. */
export class SourceError extends Error {}

/** The select list of a query: each column under the name of its member. */
export function selectList(
  columns: Readonly<Record<string, string>>,
  column: (name: string) => string,
): string {
  return Object.entries(columns)
    .map(([member, name]) => `${column(name)} as "${member}"`)
    .join(", ");
}

/** Groups pairs of a table and one of its columns. */
export function byTable(rows: { table: string; column: string }[]): Map<string, string[]> {
  const tables = new Map<string, string[]>();
  for (const { table, column } of rows) {
    tables.getOrInsertComputed(table, () => []).push(column);
  }
  return tables;
}
