// Where somebody who writes a message begins a mention, and who can be meant. The server decides what is a mention; these
// rules only decide when names are offered.
import type { Chat, Participant } from "../wire/chats.ts";
import { foldCase } from "../wire/folding.ts";

/** In larger groups only the owner may mention everybody. */
const everyoneMax = 50;
const shownMax = 8;

export interface Mentionable {
  name: string;
  /** Undefined for everybody, null for the model. */
  userId: number | null | undefined;
  /** The display name, where it is not the username. It is found, too, and the username is written. */
  shownName?: string | undefined;
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
  String.raw`(?<!${wordCharacter}[_+\-]*|[@＠\\])[@＠]([\p{L}\p{M}\p{N}_.\-]{0,32})$`,
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
  const [rest = ""] = /^[\p{L}\p{M}\p{N}_.-]*/u.exec(text.slice(caret)) ?? [];
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
  shownNames: ReadonlyMap<number, string> = new Map(),
): Mentionable[] {
  if (!chat || chat.is_ai_chat) return [];
  const others = participants.filter(({ id }) => id !== ownId);
  const mayMentionAll =
    chat.is_group && (participants.length <= everyoneMax || chat.owner_id === ownId);
  return [
    ...others.map(({ id, username }) => {
      const shown = shownNames.get(id) ?? username;
      const isNamed = shown !== username;
      return {
        name: username,
        userId: id,
        shownName: isNamed ? shown : undefined,
        hint: isNamed ? `@${username}` : "",
      };
    }),
    ...(mayMentionAll ? [{ name: "all", userId: undefined, hint: "Everybody in this chat" }] : []),
    ...(hasModel ? [{ name: "Gemini", userId: null, hint: "Asks the model" }] : []),
  ];
}

/** The place of a query in the names of a person: 0 at the beginning of one or of a word, -1 nowhere. */
function placeIn({ name, shownName = "" }: Mentionable, query: string): number {
  const isOfWord = ` ${foldCase(shownName)}`.includes(` ${foldCase(query)}`);
  return shownName !== "" && isOfWord ? 0 : name.toLowerCase().indexOf(query);
}

/**
 * Lists at most 8 of the people whose username contains a query, or in whose display name a word begins with it: first those whose name
 * begins with it. A name that is complete, and that no other continues, offers nothing any more.
 */
export function matching(people: readonly Mentionable[], query: string): Mentionable[] {
  const sought = query.toLowerCase();
  const found = people
    .map((person) => ({ person, index: placeIn(person, sought) }))
    .filter(({ index }) => index >= 0)
    .toSorted((one, other) => Math.min(one.index, 1) - Math.min(other.index, 1))
    .map(({ person }) => person);
  const isComplete = found.length === 1 && found[0]?.name.toLowerCase() === sought;
  return isComplete ? [] : found.slice(0, shownMax);
}
