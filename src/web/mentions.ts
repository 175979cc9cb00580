// Mentions in people's messages are highlighted. They are found as the server's wire/mentions.ts finds them; here, Markdown has
// already told apart what is code or a link.
import { mentionPattern } from "../wire/mention-pattern.ts";

/** The names that a message may mention beside those of people, in lower case. */
const commonNames = ["all", "gemini"];

export interface MentionNames {
  /** Usernames in lower case. */
  readonly known: ReadonlySet<string>;
  /** The names that mention the reader, in lower case. */
  readonly own: ReadonlySet<string>;
}

export function mentionNames(usernames: readonly string[], ownName: string): MentionNames {
  return {
    known: new Set([...usernames.map((name) => name.toLowerCase()), ...commonNames]),
    own: new Set([ownName.toLowerCase(), "all"]),
  };
}

/** The longest known name at the beginning: `.`, `-` and `_` at its end may belong to the sentence. */
function nameIn(written: string, known: ReadonlySet<string>): string | undefined {
  let name = written;
  while (name !== "" && !known.has(name.toLowerCase())) {
    if (!/[._-]$/.test(name)) return undefined;
    name = name.slice(0, -1);
  }
  return name === "" ? undefined : name;
}

/** Wraps mentions of known names in elements. */
export function highlightMentions(within: DocumentFragment, { known, own }: MentionNames): void {
  const walker = document.createTreeWalker(within, NodeFilter.SHOW_TEXT);
  const texts: Text[] = [];
  while (walker.nextNode()) {
    const { currentNode } = walker;
    if (currentNode instanceof Text && !currentNode.parentElement?.closest("code, a, var"))
      texts.push(currentNode);
  }
  for (const text of texts) {
    const parts: (string | Element)[] = [];
    let end = 0;
    for (const { 1: written = "", index } of text.data.matchAll(mentionPattern)) {
      const name = nameIn(written, known);
      if (name === undefined) continue;
      const element = document.createElement("span");
      element.className = own.has(name.toLowerCase()) ? "mention own-mention" : "mention";
      element.textContent = `@${name}`;
      parts.push(text.data.slice(end, index), element);
      end = index + name.length + 1;
    }
    if (parts.length > 0) text.replaceWith(...parts, text.data.slice(end));
  }
}
