// Markdown to HTML, as answers and messages use it. The HTML is not safe yet: see sanitising.ts.
import { Hooks, Lexer, Marked, type MarkedOptions, type Token } from "marked";
import { autolinks } from "./autolinks.ts";
import { cjkEmphasis, maskCjkPunctuation } from "./cjk-emphasis.ts";
import { formulas, maskFormulas } from "./formula-syntax.ts";
import { escapeHtml, safeTags } from "./safe-tags.ts";

/** marked's hook for masks is given a masked text only, in which formulas can no longer be recognised. */
class SourceLexer extends Lexer {
  /** The texts that are being read, the innermost last. */
  readonly #sources: string[] = [];

  constructor(options: MarkedOptions) {
    const hooks = new Hooks();
    hooks.emStrongMask = (masked) =>
      maskCjkPunctuation(maskFormulas(masked, this.#sources.at(-1) ?? ""));
    super({ ...options, hooks });
  }

  override inlineTokens(src: string, tokens?: Token[]): Token[] {
    this.#sources.push(src);
    try {
      return super.inlineTokens(src, tokens);
    } finally {
      this.#sources.pop();
    }
  }
}

/** Whether a block of code has its last line. Until then a streamed one grows with each chunk, and gets no colours. */
function isClosed(raw: string): boolean {
  const [, fence] = /^ {0,3}(`{3,}|~{3,})/.exec(raw) ?? [];
  const last = raw.trimEnd().split("\n").at(-1)?.trimStart() ?? "";
  return fence !== undefined && raw.includes("\n") && last.startsWith(fence);
}

const marked = new Marked(
  {
    gfm: true,
    breaks: true,
    renderer: {
      // The host of an image learns who reads the message, and when. A link leaves that choice to the reader.
      image: ({ href, text }) => `<a href="${escapeHtml(href)}">${escapeHtml(text || href)}</a>`,
      code({ text, raw, lang = "" }) {
        const [, language = ""] = isClosed(raw)
          ? (/^([\w#+.-]{1,32})(?:\s|$)/.exec(lang) ?? [])
          : [];
        const attribute = language === "" ? "" : ` data-language="${escapeHtml(language)}"`;
        return `<pre${attribute}><code>${escapeHtml(text.replace(/\n$/, ""))}\n</code></pre>\n`;
      },
      checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
      // The page has headings of its own above these.
      heading({ tokens, depth }) {
        const level = Math.min(depth + 2, 6);
        return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>`;
      },
    },
  },
  cjkEmphasis,
  autolinks,
  safeTags,
  formulas,
);

/**
 * The HTML of each block (paragraph, list, table, …) of a text. A block's HTML may depend on other blocks: the address of
 * a reference link may be defined anywhere.
 */
export function markdownBlocks(text: string): string[] {
  return new SourceLexer(marked.defaults)
    .lex(text)
    .map((token) => marked.parser([token]).replaceAll(betweenBlocks, "$1"));
}

/** A line break that marked writes after a tag. Where people's line breaks are kept, it would be an empty line of a list. */
const betweenBlocks = /(<\/?(?:ul|ol|li|p|pre|hr|blockquote|table|h[3-6])\b[^>]*>)\n/g;

/** Whether nothing of a text would be seen as Markdown: it is an empty list, a line, or only defines addresses. */
export function drawsNothing(text: string): boolean {
  return (
    markdownBlocks(text)
      .join("")
      .replaceAll(/<[^>]*>/g, "")
      .trim() === ""
  );
}
