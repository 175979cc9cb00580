// An answer is Markdown from outside. Three walls keep it harmless: HTML in it is shown as the text that it is, DOMPurify
// lets only the tags and addresses below through, and the page's Content-Security-Policy has no word for the rest.
import DOMPurify from "dompurify";
import { Marked, type Token } from "marked";
import { useLayoutEffect, useRef } from "preact/hooks";

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    html: ({ text }) => escaped(text),
    // Whoever serves a picture learns who reads, and when. It is a link, for who wants to see it.
    image: ({ href, text }) => `<a href="${escaped(href)}">${escaped(text || href)}</a>`,
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
    // The page has headings of its own above it.
    heading({ tokens, depth }) {
      const level = Math.min(depth + 2, 6);
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>`;
    },
  },
});

const purifier = DOMPurify(window);
purifier.addHook("afterSanitizeAttributes", (element) => {
  if (!(element instanceof HTMLAnchorElement) || !element.hasAttribute("href")) return;
  element.target = "_blank";
  element.rel = "noopener noreferrer nofollow";
});

const allowedTags =
  "a blockquote br code del em h3 h4 h5 h6 hr li ol p pre strong table tbody td th thead tr ul".split(
    " ",
  );

function sanitised(html: string): DocumentFragment {
  return purifier.sanitize(html, {
    ALLOWED_TAGS: allowedTags,
    ALLOWED_ATTR: ["href", "start"],
    ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
    ALLOW_ARIA_ATTR: false,
    ALLOW_DATA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
}

interface Block {
  raw: string;
  nodes: ChildNode[];
}

function rendered(token: Token): Block {
  const fragment = sanitised(marked.parser([token]));
  return { raw: token.raw, nodes: [...fragment.childNodes] };
}

/**
 * Text as Markdown. While it grows, the paragraphs before its last ones stay the nodes that they are: what a reader has
 * selected stays selected, and most of a long answer is drawn once. A new address of a link (`[name]: address`) may be of
 * any paragraph before it.
 */
export function Markdown({ text }: { text: string }) {
  const element = useRef<HTMLDivElement>(null);
  const blocks = useRef<Block[]>([]);
  const linksBefore = useRef(0);
  useLayoutEffect(() => {
    const tokens = marked.lexer(text);
    const links = Object.keys(tokens.links).length;
    const old = blocks.current;
    const changed = tokens.findIndex((token, index) => token.raw !== old[index]?.raw);
    const unchanged = changed === -1 ? tokens.length : changed;
    const same = links === linksBefore.current ? unchanged : 0;
    linksBefore.current = links;
    for (const { nodes } of old.slice(same)) for (const node of nodes) node.remove();
    const fresh = tokens.slice(same).map(rendered);
    element.current?.append(...fresh.flatMap(({ nodes }) => nodes));
    blocks.current = [...old.slice(0, same), ...fresh];
  }, [text]);
  return <div class="markdown" ref={element} />;
}

/** Whether an address may be a link. */
export function isWebAddress(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}
