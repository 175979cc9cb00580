// JSON that PostgreSQL writes in the form of the wire. A list of resources is passed on as text, since reading its rows and writing
// them again is most of a request's cost; the contract tests hold its form.

/** SQL text of a time stamp in the form of the wire: RFC 3339 in UTC with milliseconds. @param column its column, a constant */
export function wireTime(column: string): string {
  return `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}
