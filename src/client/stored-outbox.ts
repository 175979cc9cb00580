// `gemini-coop/client/stored-outbox`: keeps messages that are not sent yet in a browser.
import type { Attachment } from "../wire/attachments.ts";
import type { OutboxStore, StoredMessage } from "./pending-message.ts";
import { createStoredEntries, type BrowserStorage } from "./stored-entries.ts";

/** The outbox and the page's drafts together stay below the 5 MB that browsers allow for all of `localStorage`. */
const limits = {
  entriesMax: 30,
  lengthMax: 40_000,
  ageMsMax: 30 * 24 * 60 * 60 * 1_000,
};

/** Without what pending messages show of their files, a message would lose them. */
function isFiles(value: unknown): value is readonly Attachment[] {
  return (
    Array.isArray(value) &&
    value.every((file) => {
      const { id, name, size, kind, url } = Object(file) as Record<string, unknown>;
      const texts = [name, kind, url].every((text) => typeof text === "string");
      return typeof id === "number" && typeof size === "number" && texts;
    })
  );
}

function parse(value: unknown): StoredMessage | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { client_id, chat_id, content, reply_to, attachments, created_at, failure } =
    value as Record<string, unknown>;
  const isMessage =
    typeof client_id === "string" &&
    typeof chat_id === "number" &&
    typeof content === "string" &&
    (reply_to === undefined || typeof reply_to === "number") &&
    typeof created_at === "string" &&
    (failure === undefined || typeof failure === "string");
  if (!isMessage) return undefined;
  const message = { client_id, chat_id, content, reply_to, created_at, failure };
  if (attachments === undefined) return message;
  return isFiles(attachments) ? { ...message, attachments } : undefined;
}

/**
 * Messages that are not sent yet in a browser's `localStorage`, each under the id of its sender: whoever else signs in
 * there sends and sees none of them. At most 30 are kept, for 30 days. Several tabs may share
 * it: a message that two of them send is stored once, because both use its `client_id`.
 */
export function storedOutbox(
  storage: BrowserStorage,
  keyPrefix = "gemini-coop-unsent:",
): OutboxStore {
  const entries = createStoredEntries(storage, keyPrefix, limits);
  return {
    load(userId) {
      const own = entries.list().filter(({ name }) => name.startsWith(`${userId}:`));
      const messages = own.flatMap(({ value }) => parse(value) ?? []);
      return messages.toSorted((one, other) => one.created_at.localeCompare(other.created_at));
    },
    save: (userId, message) => entries.put(`${userId}:${message.client_id}`, message),
    remove: (userId, clientId) => entries.remove(`${userId}:${clientId}`),
  };
}
