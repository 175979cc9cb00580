import type { Chat, Participant } from "../wire/chats.ts";
import type { Message } from "../wire/messages.ts";
import type { Read } from "../wire/receipts.ts";
import type { ChangeResult } from "./message-changes.ts";
import type { Observable } from "./observable.ts";
import type { PendingMessage, Sending } from "./pending-message.ts";
import type { ProblemError } from "./problem-error.ts";
import type { Person } from "./room-log.ts";

export type { Person } from "./room-log.ts";

/**
 * - `loading`: the room is being loaded for the first time
 * - `live`: the room is up to date
 * - `catching_up`: the room is loading what it has missed
 * - `offline`: the room is as it was when the socket was lost
 * - `gone`: the chat was deleted, or the person is not a participant; see `problem`
 */
export type RoomState = "loading" | "live" | "catching_up" | "offline" | "gone";

export interface RoomSnapshot {
  readonly state: RoomState;
  /** Undefined until the room was loaded. */
  readonly chat: Chat | undefined;
  readonly participants: readonly Participant[];
  /**
   * Messages in the order of `seq`, without gaps. The text of a running answer grows. Own edits, deletions and reactions are
   * shown before the server has confirmed them.
   */
  readonly messages: readonly Message[];
  /** Own messages that are not among `messages` yet, in the order of writing. */
  readonly pending: readonly PendingMessage[];
  /** The people who have the room open: in a large room those whose names the server has sent, see `onlineCount`. */
  readonly online: readonly Person[];
  /** How far the participants have read, as far as they let others know; empty in rooms above 100 people. */
  readonly reads: readonly Read[];
  /** The number of people who have the room open. */
  readonly onlineCount: number;
  /** The people who have typed within the last 5 s. */
  readonly typing: readonly Person[];
  /** True if there are older messages than the first: see `loadOlder`. */
  readonly hasOlder: boolean;
  readonly loadingOlder: boolean;
  /** The reason why the room is gone, or why the last try to load it has failed. */
  readonly problem: ProblemError | undefined;
}

export interface Room extends Observable<RoomSnapshot> {
  readonly chatId: number;
  /**
   * Shows the message as pending at once, and sends it until it is acknowledged, over reconnects too.
   * @param content may be empty if there are files
   * @param options `attachments`: files that were uploaded to the chat and not sent yet
   */
  send(
    content: string,
    options?: {
      replyTo?: number | undefined;
      attachments?: PendingMessage["attachments"];
    },
  ): Sending;
  /** Sends a failed message again. @returns undefined if no failed message has this id */
  retry(clientId: string): Sending | undefined;
  /** Forgets a failed message. */
  discard(clientId: string): void;
  /**
   * Edits an own message. The room shows the new content at once, and the old one again if the server refuses it. Settles
   * when the server has confirmed or refused it, over reconnects too. Never rejects.
   */
  edit(messageId: number, content: string): Promise<ChangeResult>;
  /** Deletes a message as `edit` edits it. */
  delete(messageId: number): Promise<ChangeResult>;
  /** Reacts to a message with one emoji, or takes the reaction back if `on` is false, as `edit` edits it. */
  react(messageId: number, emoji: string, on?: boolean): Promise<ChangeResult>;
  /** Tells the others that the person is typing. Call it at every key: at most one frame in 3 s is sent. */
  typing(): void;
  /**
   * Loads the page before the first message, unless 5,000 messages are in memory.
   * @throws ProblemError
   * @returns whether there are still older messages to load
   */
  loadOlder(): Promise<boolean>;
  /**
   * Moves the read position forward to a number; default: the newest message. Settles when the server has stored it, or
   * the request has failed. Never rejects.
   */
  markRead(seq?: number): Promise<void>;
  /** Stops a running answer; its text is kept. @throws ProblemError `answer_ended` */
  stop(messageId: number): Promise<Message>;
  /** Asks the question of an answer again. @throws ProblemError `answer_running`, `quota_exceeded` @returns the new answer */
  regenerate(messageId: number): Promise<Message>;
  /** Closes the room once it was called as often as the room was opened. Pending messages are still sent. */
  close(): void;
}
