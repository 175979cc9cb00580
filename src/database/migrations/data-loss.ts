// Which migrations destroy data. Each says so itself, in its up part: `-- destructive: what is lost, and why that is well`;
// or, where it only looks like it, `-- keeps data: why nothing is lost`. One that says neither is judged by its statements.

const destructiveMark = /^[ \t]*--[ \t]*destructive:[ \t]*(\S.*)$/gim;
const keepsDataMark = /^[ \t]*--[ \t]*keeps data:[ \t]*\S/im;

/** What a `drop` may be followed by without any row or column being lost. */
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

/** Statements of a migration's up part after which data may be gone; functions that it only defines do not count. */
export function lossyStatementsIn(migration: string): string[] {
  const statements = upPart(migration)
    .replace(/--.*$/gm, " ")
    .replace(/\/\*[^]*?\*\//g, " ")
    // What `do $$ … $$` does happens at once.
    .replace(/\bas\s+(\$\w*\$)[^]*?\1/gi, " ")
    .replace(/'(''|[^'])*'/g, "''");
  return lossyStatements.filter(([, pattern]) => pattern.test(statements)).map(([what]) => what);
}

/** Whether a migration says that it is destructive, or that it is not. */
export function isMarked(migration: string): boolean {
  return marksIn(migration).length > 0 || keepsDataMark.test(upPart(migration));
}

/** What is lost when a migration is applied, in words: undefined when nothing is. */
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
