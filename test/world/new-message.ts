import { blankMessage } from "../../src/wire/blank-message.ts";
import type { Message } from "../../src/wire/messages.ts";

type Inserted = Pick<
  Message,
  "id" | "chat_id" | "seq" | "updated_seq" | "user_id" | "username" | "content" | "created_at"
>;

/** A Message as an insert stores it: the members that are not given have the table's defaults. */
export function newMessage(inserted: Inserted & Partial<Message>): Message {
  return { ...blankMessage, ...inserted };
}
