// A part of a message that was found, with what it was found by.
import type { Highlight } from "../wire/search.ts";

/** UTF-16 units of a snippet, and of the text before its first match. */
const lengthMax = 220;
const beforeMax = 60;

export interface SnippetPart {
  text: string;
  isMatch: boolean;
}

/** The text around the first match, in parts. Text that is left out is an ellipsis. */
export function snippetOf(content: string, highlights: readonly Highlight[]): SnippetPart[] {
  const first = highlights[0]?.start ?? 0;
  const start = first > beforeMax ? startNear(content, first - beforeMax, first) : 0;
  const end = whole(content, Math.min(content.length, start + lengthMax));
  const parts: SnippetPart[] = [];
  const add = (text: string, isMatch: boolean) => {
    if (text !== "") parts.push({ text, isMatch });
  };
  if (start > 0) add("…", false);
  let at = start;
  for (const match of highlights) {
    if (match.start >= end) break;
    add(content.slice(at, match.start), false);
    at = Math.min(match.end, end);
    add(content.slice(match.start, at), true);
  }
  add(content.slice(at, end), false);
  if (end < content.length) add("…", false);
  return parts;
}

/** The beginning of the first word behind an offset, if there is one before the match. */
function startNear(content: string, from: number, match: number): number {
  const space = /\s\S/u.exec(content.slice(from, match));
  return space ? from + space.index + 1 : whole(content, from);
}

/** An offset that does not part the two units of a character. */
function whole(content: string, offset: number): number {
  const unit = content.charCodeAt(offset);
  return unit >= 0xdc00 && unit <= 0xdfff ? offset - 1 : offset;
}
