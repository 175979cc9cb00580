// The record of one block of faults: what people sent and were told, every frame that each client saw, and what the
// database holds at the end. The checker looks at nothing else.
import { z } from "zod";
import { Message, Reaction } from "../../../src/wire/messages.ts";

/** Any frame, in either direction, as far as the checker reads it. */
export const Frame = z.object({
  type: z.string(),
  request_id: z.string().optional(),
  chat_id: z.int().optional(),
  after_seq: z.int().optional(),
  message_id: z.int().optional(),
  seq: z.int().optional(),
  updated_seq: z.int().optional(),
  user_id: z.int().nullish(),
  username: z.string().optional(),
  content: z.string().optional(),
  if_seq: z.int().optional(),
  deleted_at: z.string().nullish(),
  emoji: z.string().optional(),
  on: z.boolean().optional(),
  count: z.int().optional(),
  reactions: z.array(Reaction).optional(),
  status: z.string().optional(),
  client_id: z.string().nullish(),
  answer_to: z.int().nullish(),
  created_at: z.string().optional(),
  chunk: z.string().optional(),
  offset: z.int().optional(),
  is_complete: z.boolean().optional(),
  full_response: z.string().optional(),
  participant: z.object({ id: z.int() }).optional(),
  last_seq: z.int().optional(),
  recovered: z.boolean().optional(),
  chat: z.object({ id: z.int(), updated_seq: z.int(), name: z.string() }).optional(),
  participants: z.array(z.object({ id: z.int() })).optional(),
  user_ids: z.array(z.int()).optional(),
  users: z
    .array(z.object({ user_id: z.int(), status: z.string(), last_seen_at: z.string().nullish() }))
    .optional(),
  code: z.string().optional(),
  detail: z.string().optional(),
});
export type Frame = z.infer<typeof Frame>;

/** Milliseconds of one clock, the same for everything in a history. */
type Moment = number;

export type TapeEvent =
  | { at: Moment; socket: number; kind: "opened" | "closed" }
  | { at: Moment; socket: number; kind: "out" | "in"; frame: Frame };

/** Everything that one client saw and said, over all its sockets, of which it has one at a time. */
export interface Tape {
  name: string;
  userId: number;
  events: TapeEvent[];
}

/** One message that somebody wanted to send, with all the tries it took. */
export interface Send {
  chatId: number;
  userId: number;
  clientId: string;
  content: string;
  asksBot: boolean;
  attachmentIds: number[];
  acks: { messageId: number; seq: number }[];
  /** The problem codes of tries that certainly stored nothing and were not repeated. */
  refusals: string[];
  /** A try ended without a word on whether it was stored. */
  maybeStored: boolean;
}

/** An edit or a deletion of one message, with all the tries it took. */
export interface Revision {
  chatId: number;
  messageId: number;
  userId: number;
  kind: "edit" | "delete";
  /** Empty for a deletion. */
  content: string;
  /** The number that an edit needed the message to have. */
  ifSeq: number | undefined;
  isGuarded: boolean;
  /** The numbers that it was acknowledged with. */
  acks: number[];
  refusals: string[];
  /** A try ended without a word on whether it was carried out. */
  maybeStored: boolean;
}

/** A reaction that somebody wants to add or take back. Those of one person are one after the other. */
export interface Reacting {
  chatId: number;
  messageId: number;
  userId: number;
  emoji: string;
  on: boolean;
  isDone: boolean;
  refusals: string[];
  /** A try ended without a word on whether it was carried out. */
  maybeStored: boolean;
}

/** A display name that somebody wants to have. Those of one person are one after the other. */
export interface ProfileChange {
  userId: number;
  name: string;
  isDone: boolean;
  /** A try ended without a word on whether it was carried out. */
  maybeStored: boolean;
}

/** The events that the webhook of a chat has received, in the order in which they came. */
export interface WebhookRecord {
  chatId: number;
  /** The number of the chat when the webhook was added. */
  after: number;
  events: { id: string; type: string; seq: number; isTaken: boolean; isVerified: boolean }[];
  /** Whether the server says that it has told everything. */
  isAllTold: boolean;
  /** The event that the others wait for, if any does, and what became of it so far. */
  waitsFor?: string | undefined;
}

/** A person who deletes their account, in chats of their own and of one other person. */
export interface Departure {
  userId: number;
  username: string;
  /** Whether the messages are kept or erased. */
  messages: "keep" | "erase";
  /** In the person's messages, their earlier versions, and the reasons of reports, and nowhere else. */
  word: string;
  /** In the person's display name and bio, and nowhere else. */
  profileWord: string;
  /** The chat that nobody else is in. */
  ownChatId: number;
  /** The chats in which another person stays; that one owns them in the end. */
  sharedChatIds: number[];
  sent: { chatId: number; messageId: number; content: string }[];
  /** The server has said that the account is deleted. */
  isDone: boolean;
}

/** The rows that are left of people who have deleted their accounts, and of their chats. */
export interface LeftBehind {
  /** Deletions that no server has finished. */
  unfinished: number[];
  /** The tables that have a word, by the word. */
  tablesWith: ReadonlyMap<string, string[]>;
  people: ReadonlyMap<
    number,
    { username: string; email: string; isDeleted: boolean; sessions: number; chats: number }
  >;
  owners: ReadonlyMap<number, number>;
  chats: StoredChat[];
  /** The chats as the person who stays loads them. */
  loads: Load[];
  stayingId: number;
}

export const exportKinds = ["jsonl", "md", "html", "account"] as const;
export type ExportKind = (typeof exportKinds)[number];

/** A file that somebody asked for, and what came of it. */
export interface ExportRecord {
  kind: ExportKind;
  text: string;
  /** The client was told that the connection broke. */
  isBroken: boolean;
}

/** The exports of a chat that nobody changes, and of the person who is alone in it. */
export interface ExportHistory {
  /** Exports during the faults that are not what they should be, and all exports after the faults. */
  records: ExportRecord[];
  /** The messages of the chat, in order. */
  contents: string[];
}

/** One change of a chat's people, repeated until its outcome was certain. Those of one person are one after the other. */
export interface Move {
  chatId: number;
  userId: number;
  kind: "participant_added" | "participant_removed";
  startedAt: Moment;
}

export interface Change {
  seq: number;
  kind:
    | "message_updated"
    | "answer_ended"
    | "participant_added"
    | "participant_removed"
    | "participant_updated"
    | "chat_updated"
    | "reaction_added"
    | "reaction_removed";
  message_id: number | null;
  user_id: number | null;
  /** Set for a reaction only. */
  emoji?: string | null;
  emoji_count?: number | null;
}

export type StoredMessage = Message & {
  ordinal: number;
  /** Its texts with their numbers, the current one included; none of a deleted message. */
  versions: { updated_seq: number; content: string }[];
};

export interface StoredChat {
  id: number;
  name: string;
  last_seq: number;
  updated_seq: number;
  message_count: number;
  participant_count: number;
  participants: number[];
  messages: StoredMessage[];
  changes: Change[];
  /** All reactions that are stored. */
  reactors: { message_id: number; emoji: string; user_id: number }[];
}

/** The result of loading a chat afresh over HTTP. */
export interface Load {
  chatId: number;
  userId: number;
  /** Undefined: they are told that there is no such chat. */
  found: { messages: Message[]; participants: number[] } | undefined;
}

/** The statuses of people at the end, and the pairs of people who may see them. */
export interface PresenceRecord {
  statuses: ReadonlyMap<number, string>;
  /** Pairs of people who share a chat at the end: the watcher's id, a space, and that of the other person. */
  together: ReadonlySet<string>;
  /** People who share no chat with anybody, at any time. */
  strangers: readonly number[];
  /** Somebody who has not come back since their connection was lost. */
  absent: { userId: number; lostAt: Moment } | undefined;
}

export interface History {
  webhooks?: WebhookRecord[];
  chats: StoredChat[];
  sends: Send[];
  revisions: Revision[];
  reactions: Reacting[];
  moves: Move[];
  /** The names that a chat was given, in order. */
  renames: { chatId: number; name: string }[];
  profiles: ProfileChange[];
  departures: Departure[];
  leftBehind: LeftBehind | undefined;
  exports: ExportHistory | undefined;
  /** The stored display names of people, with the beginnings by which the search finds them. */
  names: ReadonlyMap<number, { displayName: string; parts: string[] }>;
  tapes: Tape[];
  loads: Load[];
  presence: PresenceRecord;
  /** How often the model was asked, by the client id of the question. */
  asked: Map<string, number>;
  /** How often the server was killed: whoever comes after it asks the model to go on. */
  kills: number;
  /** The number of servers that run at once. One of several may stand still, lose an answer to another, and go on with people listening to it. */
  servers: number;
  /** The whole answer that the model has for a question. */
  answerTo: (clientId: string) => string;
  /** Failures that the other members don't record: a server that died by itself, a wait that timed out. */
  incidents: string[];
}

export interface Violation {
  rule: string;
  detail: string;
}

/** Tells a violation. */
export type Report = (rule: string, detail: string) => void;

/** A message as a client shows it. */
export interface View {
  seq: number;
  updatedSeq: number;
  content: string;
  status: string;
  clientId: string | null;
  reactions: readonly Reaction[];
}
