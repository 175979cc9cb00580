// The ports that every action receives. compose.ts makes the objects behind them.
import type { Logger } from "pino";
import type { ServerConfig } from "./config/config.ts";
import type { Sql } from "./database/connect.ts";
import type { FileStore } from "./file-store/file-store.ts";
import type { Jobs } from "./jobs/jobs.ts";
import type { ChatsOf } from "./log/chats-of-people.ts";
import type { InsertedMessage, NewMessage } from "./log/insert.ts";
import type { JoinedChat, JoinRead } from "./log/join-reads.ts";
import type {
  AnswerPicture,
  ModelFiles,
  RunningUploads,
  StreamAnswer,
} from "./model/stream-answer.ts";
import type { OutgoingHttp } from "./outgoing-http/outgoing-http.ts";
import type { Telemetry } from "./observability/telemetry.ts";
import type { RateLimits } from "./rate-limits/rate-limits.ts";
import type { Listener } from "./realtime/listener.ts";
import type { PeerServers, Realtime } from "./realtime/ports.ts";
import type { Scope } from "./wire/scopes.ts";

/** The context of every action; there is one in a process, and one in each world of a test. */
export interface Ctx {
  readonly config: ServerConfig;
  readonly sql: Sql;
  readonly log: Logger;
  readonly now: () => Date;
  readonly telemetry: Telemetry;
  readonly model: Model;
  /** Where the files of messages are kept. */
  readonly files: FileStore;
  readonly realtime: Realtime;
  readonly peers: PeerServers;
  readonly gateway: Gateway;
  readonly sessionCache: SessionCache;
  readonly rateLimits: RateLimits;
  readonly grouped: Grouped;
  readonly answers: Answers;
  /** The queue of what runs later. */
  readonly jobs: Jobs;
  /** Calls addresses that people have entered. */
  readonly outgoing: OutgoingHttp;
  /** `closing` is true once the shutdown has begun: from then on nothing new is begun. */
  readonly lifecycle: { closing: boolean };
}

export interface SessionChats {
  chats: ChatsOf;
  /** The chats among them whose messages cause no notification. See `Listener.setQuietChats`. */
  quietChatIds: number[];
  /** Whether the person's presence is hidden from others. */
  isHidden: boolean;
}

/** Statements that serve all requests of a moment at once. */
export interface Grouped {
  /** Stores a message in the next group commit. */
  insertMessage(message: NewMessage): Promise<InsertedMessage>;
  /** Messages that wait for their group commit. */
  waitingMessages(): number;
  /** The chats of a session's person; undefined if the session has ended, or belongs to somebody else. */
  readSessionChats(session: {
    userId: number;
    sessionId: string;
  }): Promise<SessionChats | undefined>;
  /** A chat that is joined; undefined if the person is not in it. */
  readJoin(join: JoinRead): Promise<JoinedChat | undefined>;
}

/** The language model that answers `/bot`. */
export interface Model {
  /** Undefined when no model is configured. */
  answer: StreamAnswer | undefined;
  /** Undefined when the model reads no files. */
  files?: ModelFiles | undefined;
  /** Makes pictures; undefined when it is off. */
  pictures?: StreamAnswer | undefined;
  /** A phrase for the start message and `/ready`; it also says why there is no model. */
  description: string;
  /** Whether the answers only show how a model would answer: nothing is asked of it in the background. */
  isDemonstration?: boolean;
}

/** The account and session that a token stands for. */
export interface Identity {
  readonly id: number;
  readonly username: string;
  readonly sessionId: string;
  /** Milliseconds since the epoch; Infinity for an access key that does not expire. */
  readonly expiresAtMs: number;
  /** The rights of the access key that was sent; undefined for a person who is signed in, and may do everything. */
  readonly grant?: Grant | undefined;
}

/** The rights of an access key. They never change. */
export interface Grant {
  readonly keyId: number;
  readonly scopes: ReadonlySet<Scope>;
  /** The only chats that it may be used in; undefined for all chats of its account. */
  readonly chatIds: ReadonlySet<number> | undefined;
  /** Whether its account is a bot. */
  readonly isBot: boolean;
}

/** Access tokens that were verified, and sessions that were live a moment ago, on this node. */
export interface SessionCache {
  /** The person of a token that was verified before, and that may have expired since. */
  findIdentity(token: string): Identity | undefined;
  rememberIdentity(token: string, identity: Identity): void;
  /** Whether the session was found live within the last second. */
  isLive(sessionId: string, nowMs: number): boolean;
  /** @param askedAtMs when the database was asked, in milliseconds since the epoch */
  rememberLive(sessionId: string, askedAtMs: number): void;
  forgetLive(sessionId: string): void;
}

/** The sockets of this node. */
export interface Gateway {
  /** Closes every open socket of these sessions. */
  disconnectSessions(sessionIds: readonly string[]): void;
  /** Closes every open socket of a person, who may reconnect at once. */
  disconnectUser(userId: number): void;
  /**
   * Ends a person's subscription to a chat's activity. No socket of theirs gets another one while the removal is under way.
   * @returns ends the removal; it is called after a success and after a failure
   */
  beginRemoval(userId: number, chatId: number): (end: { isInDoubt: boolean }) => void;
  /** A person's sockets. */
  listenersOf(userId: number): Listener[];
  /** The sockets of a chat's participants that have not joined it. */
  followersOf(chatId: number): Listener[];
}

/** The reason for which an answer was ended from outside. */
export type StopReason =
  | "stopped"
  /** It could not go on in time after a crash. */
  | "interrupted"
  /** The server shuts down, and another one continues the answer. */
  | "handed_over"
  /** Another node runs it, or its chat is gone: text that still arrives is discarded. */
  | "abandoned";

/** An answer that runs on this node. */
export interface RunningAnswer {
  readonly chatId: number;
  readonly messageId: number;
  /** The number of its message. */
  readonly seq: number;
  /** When its message was stored, as on the wire. */
  readonly createdAt: string;
  /** The row of answer_runs, and this node's right to write it. */
  readonly lease: { readonly id: number; readonly attempt: number };
  /** The text that the room has been shown. */
  readonly text: string;
  /** The text is whole; its end may have been stored, and even shown, before the server learns of it. */
  readonly isEnding: boolean;
  /** Settles when it has ended. */
  readonly done: Promise<void>;
  /** Ends it; only the first reason counts. */
  stop(reason: StopReason): void;
  /** Looks now whether somebody has asked another node to stop it. */
  checkStop(): void;
}

/** The answers that run on this node. */
export interface Answers {
  /**
   * Takes a slot: a shutdown waits until all are released.
   * @returns releases the slot; only the first call counts
   * @throws Problem `unavailable` during the shutdown
   */
  takeSlot(): () => void;
  /** Takes a slot for an answer that goes on, which was reserved on a server that is gone. */
  takeSlotOfResumed(): () => void;
  add(answer: RunningAnswer): void;
  remove(answer: RunningAnswer): void;
  /**
   * Removes an answer whose end is stored. Until its last frame is sent, which may wait for frames before it, `inChat` has it all the same.
   * @returns a function to be called when the frame is sent
   */
  removeEnded(answer: RunningAnswer): () => void;
  find(messageId: number): RunningAnswer | undefined;
  runIds(): number[];
  /** A chat's answers that are shown as running, and whose first frame is among the room's numbers up to `position`, oldest first. */
  inChat(chatId: number, position: number): RunningAnswer[];
  /** The log has the end of an answer: if it still runs here, another node had taken it over. */
  noteEnded(messageId: number): void;
  /** Discards the answers of a deleted chat. */
  abandonChat(chatId: number): void;
  /** Takes no more questions and hands every running answer over. Settles when all are stored. */
  close(): Promise<void>;
  /** Questions that are being stored. */
  readonly inFlight: {
    /** Runs the tries of one question one after another; `ask` receives whether a try before it has just ended. */
    inTurn<T>(key: string, ask: (isRetry: boolean) => Promise<T>): Promise<T>;
  };
  /** The runs of questions that are being stored on this node. */
  readonly storing: Set<number>;
  /** The chats whose history is being summarised on this node. */
  readonly summarising: Set<number>;
  /** Stores a file of an answer, which shows it at its end. @throws ModelError for no picture, Problem `unavailable`, `store_full` */
  keepPicture(ctx: Ctx, picture: AnswerPicture): Promise<void>;
  /** The files that this node is sending to the provider of the model. */
  readonly fileUploads: RunningUploads;
  /** The chats in which every message asks the model, as far as they are known on this node. */
  readonly aiChats: {
    find(chatId: number): boolean | undefined;
    remember(chatId: number, isAiChat: boolean): void;
  };
}
