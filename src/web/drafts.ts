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

export interface Drafts {
  /** The draft for a chat; empty if there is none. */
  read(chatId: number): string;
  /** An empty text removes the draft. */
  write(chatId: number, text: string): void;
}

/**
 * The drafts of one person. They are stored in the browser under this person's id, so that whoever else signs in there
 * sees none of them: at most 20 for all people together, for 30 days.
 */
export function createDrafts(storage: BrowserStorage, userId: number): Drafts {
  const stored = createStoredEntries(storage, "gemini-coop-draft:", limits);
  /** Whole texts, also where the browser refuses to store them. */
  const written = new Map<number, string>();
  const nameOf = (chatId: number) => `${userId}:${chatId}`;
  return {
    read(chatId) {
      const text = written.get(chatId) ?? stored.get(nameOf(chatId));
      return typeof text === "string" ? text : "";
    },
    write(chatId, text) {
      written.set(chatId, text);
      if (text === "") stored.remove(nameOf(chatId));
      else stored.put(nameOf(chatId), text.slice(0, storedLengthMax));
    },
  };
}
