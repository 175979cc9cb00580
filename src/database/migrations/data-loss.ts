// Finds migrations that destroy data. Such a migration says so in its up part, `-- destructive: what is lost, and why that is
// acceptable`; one that only looks like it says `-- keeps data: why nothing is lost`. One without either comment is judged by
// its statements.

const destructiveMark = /^[ \t]*--[ \t]*destructive:[ \t]*(\S.*)$/gim;
const keepsDataMark = /^[ \t]*--[ \t]*keeps data:[ \t]*\S/im;

/** Objects that can be dropped without the loss of a row or column. */
const harmlessDrops =
  "constraint|index|trigger|function|procedure|routine|view|policy|rule|cast|operator|not|default|identity|expression";

const lossyStatements: readonly [what: string, pattern: RegExp][] = [
  ["drop", new RegExp(`\\bdrop\\s+(?!(${harmlessDrops})\\b)`, "i")],
  ["delete", /\bdelete\s+from\b/i],
  ["truncate", /\btruncate\b(?!\s+on\b)/i],
  ["alter type", /\balter\s+(column\s+)?[\w"]+\s+(set\s+data\s+)?type\b/i],
  ["update", /\bupdate\s+(only\s+)?[\w."]+\s+((as\s+)?\w+\s+)?set\b|\bdo\s+update\b/i],
  ["merge", /\bmerge\s+into\b/i],
];

/** The kinds of statements in a migration's up part that may destroy data. Bodies of functions that it defines don't count. */
export function lossyStatementsIn(migration: string): string[] {
  const statements = upPart(migration)
    .replace(/--.*$/gm, " ")
    .replace(/\/\*[^]*?\*\//g, " ")
    // The body of a function is left out, that of `do $$ … $$` is not: it runs at once.
    .replace(/\bas\s+(\$\w*\$)[^]*?\1/gi, " ")
    .replace(/'(''|[^'])*'/g, "''");
  return lossyStatements.filter(([, pattern]) => pattern.test(statements)).map(([what]) => what);
}

/** Whether a migration has a comment that says whether it destroys data. */
export function isMarked(migration: string): boolean {
  return marksIn(migration).length > 0 || keepsDataMark.test(upPart(migration));
}

/** A description of the data that applying a migration destroys; undefined when it destroys none. */
export function dataLossIn(migration: string): string | undefined {
  const marks = marksIn(migration);
  if (marks.length > 0) return marks.join("; ");
  const lossy = isMarked(migration) ? [] : lossyStatementsIn(migration);
  return lossy.length > 0 ? `it has ${lossy.join(", ")}` : undefined;
}

function marksIn(migration: string): string[] {
  return [...upPart(migration).matchAll(destructiveMark)].map(([, words = ""]) => words.trim());
}

function upPart(migration: string): string {
  return migration.split(/^\s*--\s*migrate:down\b/m)[0] ?? "";
}
