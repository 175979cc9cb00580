import type { Message } from "./messages.ts";

/**
 * Every member of a Message in the order of the wire, with the default of its column: the one list of the columns. A literal that
 * begins with a spread of it has the members in this order, and is made faster than one in which a spread comes later.
 */
export const blankMessage: Readonly<Message> = {
  id: 0,
  chat_id: 0,
  seq: 0,
  updated_seq: 0,
  user_id: null,
  username: "",
  content: "",
  is_bot: false,
  status: "complete",
  answer_to: null,
  client_id: null,
  created_at: "",
  error: null,
  sources: null,
  edited_at: null,
  deleted_at: null,
  reply_to: null,
  mentions: [],
  reactions: [],
  attachments: [],
};
