// Names of tables and schemas in SQL.

/** A name in quotes, which may be a keyword of SQL's or have capitals. */
export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A string in quotes. */
export function quotedText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
