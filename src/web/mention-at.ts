// Where somebody who writes a message begins a mention, and who can be meant. The server decides what is a mention; these
// rules only decide when names are offered.
import type { Chat, Participant } from "../wire/chats.ts";

/** In larger groups only the owner may mention everybody. */
const everyoneMax = 50;
const shownMax = 8;

export interface Mentionable {
  name: string;
  /** Undefined for everybody, null for the model. */
  userId: number | null | undefined;
  hint: string;
}

export interface MentionPlace {
  /** The index of the `@`. */
  start: number;
  /** The index behind the name, which may continue behind the caret. */
  end: number;
  query: string;
}

/** A letter or digit of a script that has spaces between its words: there, a mention begins a word. */
const wordCharacter = String.raw`(?:(?![\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}])[\p{L}\p{M}\p{N}])`;
/** Japanese and Chinese input methods also type the wide `＠`. */
const beginning = new RegExp(
  String.raw`(?<!${wordCharacter}[_+\-]*|[@＠\\])[@＠]([A-Za-z0-9_.\-]{0,32})$`,
  "u",
);
const address = /:\/\/|^[^/]+\.[^/]+\//;

/** @param caret in UTF-16 units @returns undefined if no mention is being written at the caret */
export function mentionAt(text: string, caret: number): MentionPlace | undefined {
  const before = text.slice(0, caret);
  const found = beginning.exec(before);
  if (!found) return undefined;
  const { index: start, 1: query = "" } = found;
  const [word = ""] = /[^\s()<>"]*$/.exec(before.slice(0, start)) ?? [];
  if (address.test(word) || endsInCode(before.slice(0, start))) return undefined;
  const [rest = ""] = /^[A-Za-z0-9_.-]*/.exec(text.slice(caret)) ?? [];
  return { start, end: caret + rest.length, query };
}

/** Whether code has begun and not ended: a fenced block, or a code span in the last paragraph. */
function endsInCode(text: string): boolean {
  let fence: string | undefined;
  let paragraph = "";
  for (const line of text.split("\n")) {
    const [, mark] = /^[\s>]*(`{3,}(?=[^`]*$)|~{3,})/.exec(line) ?? [];
    if (fence === undefined && mark !== undefined) fence = mark;
    else if (fence !== undefined && mark?.startsWith(fence)) fence = undefined;
    paragraph = mark !== undefined || line.trim() === "" ? "" : `${paragraph}\n${line}`;
  }
  if (fence !== undefined) return true;
  let open = 0;
  for (const [run] of paragraph.matchAll(/(?<!\\)`+/g)) {
    if (open === 0) open = run.length;
    else if (open === run.length) open = 0;
  }
  return open > 0;
}

/** Lists who can be mentioned in a chat by one of its people. */
export function mentionableIn(
  chat: Chat | undefined,
  participants: readonly Participant[],
  ownId: number,
  hasModel: boolean,
): Mentionable[] {
  if (!chat || chat.is_ai_chat) return [];
  const others = participants.filter(({ id }) => id !== ownId);
  const mayMentionAll =
    chat.is_group && (participants.length <= everyoneMax || chat.owner_id === ownId);
  return [
    ...others.map(({ id, username }) => ({ name: username, userId: id, hint: "" })),
    ...(mayMentionAll ? [{ name: "all", userId: undefined, hint: "Everybody in this chat" }] : []),
    ...(hasModel ? [{ name: "Gemini", userId: null, hint: "Asks the model" }] : []),
  ];
}

/**
 * Lists at most 8 of the people whose name contains a query: first those whose name begins with it. A name that is
 * complete, and that no other continues, offers nothing any more.
 */
export function matching(people: readonly Mentionable[], query: string): Mentionable[] {
  const sought = query.toLowerCase();
  const found = people
    .map((person) => ({ person, index: person.name.toLowerCase().indexOf(sought) }))
    .filter(({ index }) => index >= 0)
    .toSorted((one, other) => Math.min(one.index, 1) - Math.min(other.index, 1))
    .map(({ person }) => person);
  const isComplete = found.length === 1 && found[0]?.name.toLowerCase() === sought;
  return isComplete ? [] : found.slice(0, shownMax);
}
