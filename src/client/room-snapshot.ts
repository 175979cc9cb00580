// What a room looks like from outside.
import type { Chat, Participant } from "../wire/chats.ts";
import type { Message } from "../wire/messages.ts";
import type { Observable } from "./observable.ts";
import type { PendingMessage, Sending } from "./pending-message.ts";
import type { ProblemError } from "./problem-error.ts";
import type { Person } from "./room-log.ts";

/**
 * - `loading`: nothing can be shown yet
 * - `live`: everything that happens is seen at once
 * - `catching_up`: what is shown may lack something, which is on its way
 * - `offline`: what is shown is of the time when the socket was lost
 * - `gone`: the chat was deleted, or we are not in it; `problem` says it
 */
export type RoomState = "loading" | "live" | "catching_up" | "offline" | "gone";

export interface RoomSnapshot {
  readonly state: RoomState;
  /** Undefined until the room was loaded. */
  readonly chat: Chat | undefined;
  readonly participants: readonly Participant[];
  /** In the order of `seq`, without gaps; a running answer's text grows in it. */
  readonly messages: readonly Message[];
  /** Our own that are not among the messages yet, in the order in which they were written. */
  readonly pending: readonly PendingMessage[];
  /** Who has the room open. */
  readonly online: readonly Person[];
  /** Who has written something in the last seconds. */
  readonly typing: readonly Person[];
  /** Whether there are messages before the first: see `loadOlder`. */
  readonly hasOlder: boolean;
  readonly loadingOlder: boolean;
  /** Why the room is gone, or could not be loaded at the last try. */
  readonly problem: ProblemError | undefined;
}

export interface Room extends Observable<RoomSnapshot> {
  readonly chatId: number;
  /** Shows the message at once as pending, and delivers it over reconnects. */
  send(content: string): Sending;
  /** Sends a failed message again. @returns undefined if there is no such failed message */
  retry(clientId: string): Sending | undefined;
  /** Forgets a failed message. */
  discard(clientId: string): void;
  /** We are writing. To be called at every key: others are told at most once in 3 s. */
  typing(): void;
  /**
   * Loads the page before the first message, unless 5,000 are held already.
   * @throws ProblemError
   * @returns whether there are still older ones to load
   */
  loadOlder(): Promise<boolean>;
  /**
   * We have read up to a number; default: the newest message. Only moves forward. Settles when the server knows it, or
   * could not be told. Never rejects.
   */
  markRead(seq?: number): Promise<void>;
  /** Ends a running answer with what it has. @throws ProblemError `answer_ended` */
  stop(messageId: number): Promise<Message>;
  /** Asks the question of an answer again. @throws ProblemError `answer_running`, `quota_exceeded` @returns the new answer */
  regenerate(messageId: number): Promise<Message>;
  /** Stops listening. As often as the room was opened; messages that are pending are sent nevertheless. */
  close(): void;
}
