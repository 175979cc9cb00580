// Texts that their writer has begun and not sent. They survive a reload and the end of a session.
import { createStoredEntries, type BrowserStorage } from "../client/stored-entries.ts";

/** Drafts and the client's outbox together stay below the 5 MB that browsers allow for all of `localStorage`. */
const limits = {
  entriesMax: 20,
  lengthMax: 65_000,
  ageMsMax: 30 * 24 * 60 * 60 * 1_000,
};
/** In UTF-16 units: twice the maximum length of a message. Only the beginning of a longer draft is stored. */
const storedLengthMax = 32_000;

export interface Draft {
  readonly text: string;
  /** The id of the message that it replies to. */
  readonly replyTo: number | undefined;
}

export interface Drafts {
  /** The draft for a chat; empty if there is none. */
  read(chatId: number): Draft;
  /** A draft without a text that replies to nothing is removed. */
  write(chatId: number, draft: Draft): void;
}

function parsed(value: unknown): Draft {
  // Drafts of an earlier version of this page are texts.
  if (typeof value === "string") return { text: value, replyTo: undefined };
  const isObject = typeof value === "object" && value !== null;
  const text = isObject && "text" in value && typeof value.text === "string" ? value.text : "";
  const replyTo = isObject && "reply_to" in value ? value.reply_to : undefined;
  return { text, replyTo: typeof replyTo === "number" ? replyTo : undefined };
}

/**
 * The drafts of one person. They are stored in the browser under this person's id, so that whoever else signs in there
 * sees none of them: at most 20 for all people together, for 30 days.
 */
export function createDrafts(storage: BrowserStorage, userId: number): Drafts {
  const stored = createStoredEntries(storage, "gemini-coop-draft:", limits);
  /** Whole texts, also where the browser refuses to store them. */
  const written = new Map<number, Draft>();
  const nameOf = (chatId: number) => `${userId}:${chatId}`;
  return {
    read(chatId) {
      return written.get(chatId) ?? parsed(stored.get(nameOf(chatId)));
    },
    write(chatId, { text, replyTo }) {
      written.set(chatId, { text, replyTo });
      if (text === "" && replyTo === undefined) return stored.remove(nameOf(chatId));
      stored.put(nameOf(chatId), { text: text.slice(0, storedLengthMax), reply_to: replyTo });
    },
  };
}
