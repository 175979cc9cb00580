import type { Attachment } from "../wire/attachments.ts";
import type { ProblemError } from "./problem-error.ts";

/**
 * - `queued`: the message waits for earlier ones, for a socket, or because the server asked for a pause
 * - `sending`: it was sent, and the server has not replied yet
 * - `sent`: it is stored, and about to appear among the room's messages
 * - `failed`: it was refused or not sent in time; see `problem`. It can be sent again, or discarded
 */
export interface PendingMessage {
  readonly client_id: string;
  readonly chat_id: number;
  readonly content: string;
  /** The id of the message that this one replies to. */
  readonly reply_to: number | undefined;
  /** Uploaded files that go with the message. */
  readonly attachments?: readonly Attachment[] | undefined;
  /** Time by this machine's clock. */
  readonly created_at: string;
  readonly state: "queued" | "sending" | "sent" | "failed";
  readonly problem: ProblemError | undefined;
}

/** A message as an `OutboxStore` keeps it. */
export type StoredMessage = Omit<PendingMessage, "state" | "problem"> & {
  /** The reason why the message has failed, for a person; undefined while it is to be sent. */
  readonly failure: string | undefined;
};

/**
 * Keeps messages that are not sent yet, so that a reload or the end of a session does not lose them: the next client of
 * the same person sends them, under the same client_id. None of its functions may throw.
 */
export interface OutboxStore {
  /** @returns the messages of one person, the oldest first */
  load(userId: number): readonly StoredMessage[];
  /** Stores a message in place of the one with the same `client_id`. */
  save(userId: number, message: StoredMessage): void;
  remove(userId: number, clientId: string): void;
}

export type SendResult =
  | { readonly ok: true; readonly message_id: number; readonly seq: number }
  | { readonly ok: false; readonly problem: ProblemError };

export interface Sending {
  readonly clientId: string;
  /** Settles when the message is stored or has failed. Never rejects. */
  readonly settled: Promise<SendResult>;
}
