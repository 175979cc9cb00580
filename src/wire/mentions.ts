// Mentions in the text of a message: `@name` outside of code, links and e-mail addresses. A client that offers names for
// completion or highlights mentions may use the same rules.

import { mentionPattern } from "./mention-pattern.ts";
import { botUsername } from "./messages.ts";

/** `@all` mentions everybody in a group. */
export const everyoneName = "all";
/** Limit of people who may be mentioned with `@all` by anybody. In larger groups only the owner may. */
export const everyoneMax = 50;
/** Limit of different names that one message may mention; further ones are text. */
export const mentionsMax = 100;

const nameMax = 32;
const nameMin = 2;

/**
 * Lists the names that a text may mention, in the order of their first use.
 * @returns for each mention the names that it may stand for in lower case, the longest first: `.`, `-` and `_` at its end may
 * belong to the name or to the sentence
 */
export function mentionsIn(text: string): string[][] {
  if (!text.includes("@")) return [];
  const found = new Map<string, string[]>();
  for (const [word] of withoutCode(text).matchAll(/[^\s()<>"]+/g)) {
    if (isAddress(word.slice(0, word.indexOf("@")))) continue;
    for (const [, written = ""] of word.matchAll(mentionPattern)) {
      const names = namesOf(written.toLowerCase());
      if (names[0] !== undefined) found.set(names[0], names);
      if (found.size >= mentionsMax) return [...found.values()];
    }
  }
  return [...found.values()];
}

/** Whether one of a text's mentions may stand for a name. @param name in lower case */
export function mentionsName(text: string, name: string): boolean {
  if (!text.toLowerCase().includes(`@${name}`)) return false;
  return mentionsIn(text).some((names) => names.includes(name));
}

/**
 * Whether nobody may register with a username, because its mention would be that of the model or of everybody: also with `.`,
 * `-` and `_` at its end, which would belong to the sentence.
 */
export function isReservedUsername(username: string): boolean {
  const name = username.toLowerCase();
  return [botUsername.toLowerCase(), everyoneName].includes(name.slice(0, bareLength(name)));
}

/** The length of a name without `.`, `-` and `_` at its end. */
function bareLength(name: string): number {
  let end = name.length;
  while (end > 0 && "_.-".includes(name.charAt(end - 1))) end -= 1;
  return end;
}

function namesOf(written: string): string[] {
  const shortest = Math.max(bareLength(written), nameMin);
  const longest = Math.min(written.length, nameMax);
  const names: string[] = [];
  for (let length = longest; length >= shortest; length -= 1) names.push(written.slice(0, length));
  return names;
}

/** Whether a word begins like the address of a page, such as `https://example.com/` and `example.com/`. */
function isAddress(beginning: string): boolean {
  if (beginning.includes("://")) return true;
  const slash = beginning.indexOf("/");
  const dot = beginning.indexOf(".");
  return dot > 0 && slash > dot + 1;
}

const fenceBegin = /^[\s>]*(?:[-*+]\s+|\d{1,9}[.)]\s+)?(`{3,}(?=[^`]*$)|~{3,})/;
const fenceEnd = /^[\s>]*(`{3,}|~{3,})\s*$/;
const isQuoted = (line: string) => line.trimStart().startsWith(">");

/**
 * Replaces the code in a Markdown text (fenced blocks and code spans) with as many backticks. Code spans end with their
 * paragraph, and a fence without an end reaches to the end of the text or of its quotation, as in CommonMark.
 */
function withoutCode(text: string): string {
  if (!/[`~]/.test(text)) return text;
  const parts: string[] = [];
  let paragraph: string[] = [];
  let fence: { mark: string; quoted: boolean } | undefined;
  const endParagraph = () => {
    if (paragraph.length > 0) parts.push(withoutSpans(paragraph.join("\n")));
    paragraph = [];
  };
  for (const line of text.split("\n")) {
    if (fence?.quoted && !isQuoted(line)) fence = undefined;
    const begin = fence ? undefined : fenceBegin.exec(line)?.[1];
    if (fence || begin !== undefined) {
      endParagraph();
      parts.push(masked(line));
      if (begin !== undefined) fence = { mark: begin, quoted: isQuoted(line) };
      else if (fence && fenceEnd.exec(line)?.[1]?.startsWith(fence.mark)) fence = undefined;
    } else if (line.trim() === "") {
      endParagraph();
      parts.push(line);
    } else {
      paragraph.push(line);
    }
  }
  endParagraph();
  return parts.join("\n");
}

function withoutSpans(text: string): string {
  const runs = Array.from(text.matchAll(/`+/g), ({ index, 0: { length } }) => ({ index, length }));
  const lastOf = new Map(runs.map(({ length }, place) => [length, place]));
  let result = "";
  let from = 0;
  for (let place = 0; place < runs.length; place += 1) {
    const { index = 0, length: written = 0 } = runs[place] ?? {};
    const skipped = isEscaped(text, index) ? 1 : 0;
    const length = written - skipped;
    if (length === 0 || (lastOf.get(length) ?? 0) <= place) continue;
    let close = place + 1;
    while (runs[close] && runs[close]?.length !== length) close += 1;
    const end = (runs[close]?.index ?? 0) + length;
    result += text.slice(from, index + skipped) + masked(text.slice(index + skipped, end));
    from = end;
    place = close;
  }
  return result + text.slice(from);
}

function isEscaped(text: string, index: number): boolean {
  let backslashes = 0;
  while (text[index - backslashes - 1] === "\\") backslashes += 1;
  return backslashes % 2 === 1;
}

const masked = (code: string) => code.replaceAll(/[^\n]/g, "`");
