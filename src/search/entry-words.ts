// The words of one message, as a tsvector.
import type { AttachmentKind } from "../wire/attachments.ts";
import { authorWord, featureWord } from "./match-query.ts";
import { eachIndexed } from "./words.ts";

/** PostgreSQL allows 1,048,575 bytes for the words of a row and their positions. */
const bytesMax = 1_000_000;
/** PostgreSQL keeps no higher position, and no more of them for one word. */
const positionMax = 16_382;
const positionsOfWordMax = 255;
/** PostgreSQL stores so many bytes for each word of a tsvector, and for each of its positions. */
const bytesOfWord = 8;
const bytesOfPosition = 2;

/** A text of this length reaches none of these limits, not even where each character stands for a word of many letters. */
const shortTextMax = 500;

const link = /(?:https?:\/\/|\bwww\.)[\p{L}\p{N}]/iu;

export interface MessageText {
  readonly chatId: number;
  readonly userId: number | null;
  readonly isBot: boolean;
  readonly content: string;
  readonly files?: readonly {
    readonly name: string;
    readonly kind: AttachmentKind;
    readonly transcript?: string | undefined;
  }[];
}

type SearchedFiles = NonNullable<MessageText["files"]>;

/** The text of a message with the names of its files, and what is said in them. */
function searchedText(content: string, files: SearchedFiles): string {
  if (files.length === 0) return content;
  return [content, ...files.flatMap(({ name, transcript = "" }) => [name, transcript])].join("\n");
}

/**
 * The tsvector of a message: each word with the chat's id before it, and what else searches ask for. Of a message with more than
 * about 80,000 different words, the further ones are left out. Positions, which phrases need, end at the 16,382nd word.
 */
export function entryWords(message: MessageText): string {
  const { chatId, content, files = [] } = message;
  const text = searchedText(content, files);
  let entry = featuresOf(message).join(" ");
  if (text.length > shortTextMax) {
    for (const [word, places] of placesOfWords(text, chatId)) {
      entry +=
        places.length > 0 ? ` '${chatId}:${word}':${places.join(",")}` : ` '${chatId}:${word}'`;
    }
    return entry;
  }
  // PostgreSQL puts the places of a word together, which takes it less than a map of the words takes here.
  eachIndexed(text, (word, position) => {
    entry += ` '${chatId}:${word}':${position}`;
    return true;
  });
  return entry;
}

/** The words of a text within PostgreSQL's limits, and the places of each. */
function placesOfWords(text: string, chatId: number): Map<string, number[]> {
  const positions = new Map<string, number[]>();
  const prefixLength = String(chatId).length + 1;
  let bytes = 0;
  eachIndexed(text, (word, position) => {
    let known = positions.get(word);
    if (known === undefined) {
      // A UTF-16 unit takes three bytes at most.
      bytes += prefixLength + 3 * word.length + bytesOfWord;
      if (bytes > bytesMax) return false;
      positions.set(word, (known = []));
    }
    if (position <= positionMax && known.length < positionsOfWordMax) {
      bytes += bytesOfPosition;
      known.push(position);
    }
    return bytes <= bytesMax;
  });
  return positions;
}

/** The words for what else searches ask for. */
function featuresOf({ chatId, userId, isBot, content, files = [] }: MessageText): string[] {
  const features: string[] = [];
  if (isBot) features.push(authorWord("bot"));
  else if (userId !== null) features.push(authorWord(userId));
  if (link.test(content)) features.push(featureWord("link"));
  if (files.length > 0) features.push(featureWord("file"));
  for (const kind of ["image", "voice"] as const) {
    if (files.some((file) => file.kind === kind)) features.push(featureWord(kind));
  }
  return features.map((word) => `'${chatId}:${word}'`);
}
