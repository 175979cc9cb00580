// Formulas in Markdown: `\( … \)` and `$ … $` within a line, `\[ … \]` and `$$ … $$` there or on lines of their own, and
// `\begin{align} … \end{align}` on lines of its own. Markdown would take their backslashes for escapes, and `_` and `*` for
// emphasis. A formula that has no end yet keeps its characters, too.
import { Tokenizer, type MarkedExtension } from "marked";
import { hasCjk } from "./cjk.ts";
import { escapeHtml } from "./safe-tags.ts";

// A formula has no backtick, which begins code, and no empty line, which ends a paragraph.
const character = "[^\\\\`\\n]";
const lineEnd = "\\n(?![ \\t]*\\n)";
const inParentheses = `(?:${character}|${lineEnd}|\\\\[^()\`])*`;
const inBrackets = `(?:${character}|${lineEnd}|\\\\[^[\\]\`])*`;
const inDollars = `(?:(?!\\$)${character}|${lineEnd}|\\\\[^\`])*`;
const inDollar = "(?:(?!\\$)[^\\\\`\\n]|\\\\[^`\\n])+";

interface Kind {
  opener: string;
  closed: RegExp;
  /** Matches a formula that is still being written. */
  unclosed?: RegExp;
  accepts: (body: string, before: string, after: string) => boolean;
}

const evidence = /[\\^_=<>+{}|]/;
const commands = /\\(?:text|mbox|math[a-z]+|operatorname)\*?\{[^{}]*\}|\\[a-zA-Z]+/g;

/** Backslashes before brackets may also be escapes: `\[citation needed\]`, `f\(x\)`, `\[x\]`. */
function isInBrackets(body: string, before: string): boolean {
  const isProse = /\p{Ll}{3}/u.test(body) || hasCjk(body);
  return evidence.test(body) || !(isProse || /\w/.test(before));
}

/** Dollars may also be money, or the names of variables in a shell. */
function isInDollars(body: string): boolean {
  return evidence.test(body) || !/\p{L}{2}/u.test(body);
}

function isInSingleDollars(body: string, before: string): boolean {
  if (/[\w$]/.test(before)) return false;
  const opened = body.match(/[([{]/g)?.length;
  const closed = body.match(/[)\]}]/g)?.length;
  if (opened !== closed) return false;
  const bare = body.replace(commands, " ");
  if (/\p{L}{3}/u.test(bare) || hasCjk(bare))
    return /[\\^_]/.test(body) && !/^[\d.,]+\s/.test(body);
  return evidence.test(body) || !/\s/.test(body);
}

const kinds: Kind[] = [
  {
    opener: "\\(",
    closed: new RegExp(`\\\\\\((${inParentheses})\\\\\\)`, "y"),
    unclosed: /\\\(((?:[^\\`\n]|\\[^()`\n])*)\\?/y,
    accepts: isInBrackets,
  },
  {
    opener: "\\[",
    closed: new RegExp(`\\\\\\[(${inBrackets})\\\\\\]`, "y"),
    unclosed: /\\\[((?:[^\\`\n]|\\[^[\]`\n])*)\\?/y,
    accepts: (body, before, after) =>
      after !== "(" && isInBrackets(body, before) && !/^\w+$/.test(body),
  },
  {
    opener: "$$",
    closed: new RegExp(`\\$\\$(?!\\$)(${inDollars})\\$\\$(?!\\$)`, "y"),
    accepts: (body, before) => before !== "$" && isInDollars(body),
  },
  {
    opener: "$",
    closed: new RegExp(`\\$(?![\\s$])(${inDollar})(?<!\\s)\\$(?![\\w$])`, "y"),
    accepts: isInSingleDollars,
  },
];

/** The formula that begins at a place of a line, with its delimiters. */
function formulaAt(text: string, index: number, before: string): string | undefined {
  const kind = kinds.find(({ opener }) => text.startsWith(opener, index));
  if (!kind) return undefined;
  kind.closed.lastIndex = index;
  const [whole, body] = kind.closed.exec(text) ?? [];
  if (whole !== undefined && body !== undefined) {
    const after = text.charAt(index + whole.length);
    return body.trim() !== "" && kind.accepts(body, before, after) ? whole : undefined;
  }
  if (!kind.unclosed) return undefined;
  kind.unclosed.lastIndex = index;
  const [begun, rest = ""] = kind.unclosed.exec(text) ?? [];
  return isInBrackets(rest, before) ? begun : undefined;
}

const codeOrFormula = /(`+)(?:[^`]|[^`][\s\S]*?[^`])\1(?!`)|`+|\\[\s\S]|\$/g;

/**
 * Replaces the formulas in `masked`, which is `source` with other things masked, by letters: their `*` and `_` are not
 * for marked to find.
 */
export function maskFormulas(masked: string, source: string): string {
  if (!/[\\$]/.test(source)) return masked;
  let result = "";
  let end = 0;
  for (const { 0: found, index } of source.matchAll(codeOrFormula)) {
    if (index < end || found.startsWith("`")) continue;
    const formula = formulaAt(source, index, source.charAt(index - 1));
    if (formula === undefined) continue;
    result += masked.slice(end, index) + "a".repeat(formula.length);
    end = index + formula.length;
  }
  return result + masked.slice(end);
}

const environment =
  "\\\\begin\\{((?:equation|align|aligned|gather|multline|cases|array|split|[bpvBV]?matrix)\\*?)\\}";
const anything = `(?:[^\`\\n]|${lineEnd})*?`;
const closedBlock = new RegExp(
  `^ {0,3}(?:\\\\\\[(${inBrackets})\\\\\\]|\\$\\$(?!\\$)(${inDollars})\\$\\$|${environment}${anything}\\\\end\\{\\3\\})[ \\t]*(?:\\n|$)`,
);
const unclosedBlock = new RegExp(
  `^ {0,3}(?:\\\\\\[|\\$\\$(?!\\$)|${environment})(${anything})(?=\\n[ \\t]*\\n|\\n?$)`,
);
const closers = { "\\[": "\\]", $$: "$$" };

function isDisplayed(body: string): boolean {
  return body.trim() !== "" && isInBrackets(body, "") && !/^\d+$/.test(body);
}

function blockFormula(src: string): string | undefined {
  const [closed, inner = "", content = "", outer] = closedBlock.exec(src) ?? [];
  if (closed !== undefined) {
    const body = inner || content;
    return outer !== undefined || isDisplayed(body) ? closed : undefined;
  }
  const [begun, name, body = ""] = unclosedBlock.exec(src) ?? [];
  if (begun === undefined || name !== undefined) return begun;
  const closer = begun.trimStart().startsWith("$$") ? closers.$$ : closers["\\["];
  return body.includes(closer) || !isInBrackets(body, "") ? undefined : begun;
}

/** Where a formula on lines of its own interrupts the paragraph at the beginning of `src`. */
function interruptionOf(src: string): number | undefined {
  const paragraphEnd = src.indexOf("\n\n");
  const paragraph = paragraphEnd === -1 ? src : src.slice(0, paragraphEnd);
  const lineBefore = paragraph.search(/\n {0,3}(?:\\\[|\$\$|\\begin\{)/);
  return lineBefore === -1 ? undefined : lineBefore + 1;
}

/** A formula is its source in a `<var>` at first; formula-drawing.ts replaces it. */
const draw = (raw: string) => `<var>${escapeHtml(raw.trim())}</var>`;

export const formulas: MarkedExtension = {
  extensions: [
    {
      name: "formulaBlock",
      level: "block",
      start: (src) => interruptionOf(src),
      tokenizer(src) {
        const raw = blockFormula(src);
        return raw === undefined ? undefined : { type: "formulaBlock", raw };
      },
      renderer: ({ raw }) => `<p>${draw(raw)}</p>`,
    },
    {
      name: "formula",
      level: "inline",
      start: (src) => src.indexOf("$"),
      tokenizer(src, tokens) {
        const raw = formulaAt(src, 0, tokens.at(-1)?.raw.at(-1) ?? "");
        return raw === undefined ? undefined : { type: "formula", raw };
      },
      renderer: ({ raw }) => draw(raw),
    },
  ],
  tokenizer: {
    /** A line of `=` within a formula does not make a heading of the text above it. */
    lheading(src) {
      const end = interruptionOf(src);
      return end === undefined ? false : Tokenizer.prototype.lheading.call(this, src.slice(0, end));
    },
  },
};
