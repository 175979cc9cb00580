// Answers use three tags of HTML where Markdown has nothing: `<br>`, `<sub>` and `<sup>`. Without attributes they mean what
// they say; every other piece of HTML is shown as text.
import type { MarkedExtension, Tokens } from "marked";

/** Includes the end of the line, which is a line break, too. */
const lineBreak = /^<(?:br ?\/?|\/br)>(?:[ \t]*\n)?/i;
const inside = "(?:`[^`\\n]*`|(?!</?su[bp]>)[^`])*";
/** Each is closed, and holds at most one level of the same kind, as `x<sup>a<sub>1</sub></sup>` does. */
const script = new RegExp(
  `^<(su[bp])>(${inside}(?:<(su[bp])>${inside}</\\3>${inside})*)</\\1>`,
  "i",
);

export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

function isScript(name: string | undefined): name is "sub" | "sup" {
  return name === "sub" || name === "sup";
}

export const safeTags: MarkedExtension = {
  extensions: [
    {
      name: "script",
      level: "inline",
      start: (src) => src.search(/<su[bp]>/i),
      tokenizer(src) {
        const found = src.startsWith("<") ? script.exec(src) : null;
        const [raw, tag, text] = found ?? [];
        if (raw === undefined || text === undefined) return undefined;
        return {
          type: "script",
          raw,
          tag: tag?.toLowerCase(),
          tokens: this.lexer.inlineTokens(text),
        };
      },
      renderer({ tag, tokens = [] }) {
        const content = this.parser.parseInline(tokens);
        return isScript(tag) ? `<${tag}>${content}</${tag}>` : content;
      },
    },
  ],
  tokenizer: {
    /** Lines that begin with a tag are lines of text, with Markdown in them. Only what has lines of its own is a block. */
    html(src): Tokens.HTML | undefined | false {
      return /^ {0,3}<(?:!--|script|pre|style|textarea)/i.test(src) ? false : undefined;
    },
    /** marked would take text between `<pre>` and `</pre>` for HTML that needs no escaping. */
    tag(src): Tokens.Tag | undefined {
      const [raw] = lineBreak.exec(src) ?? this.rules.inline.tag.exec(src) ?? [];
      if (raw === undefined) return undefined;
      return { type: "html", raw, text: raw, block: false, inLink: false, inRawBlock: false };
    },
  },
  renderer: {
    html({ text, block }) {
      if (lineBreak.test(text)) return "<br>";
      return block
        ? `<p>${escapeHtml(text.trim()).replaceAll("\n", "<br>")}</p>`
        : escapeHtml(text);
    },
  },
};
