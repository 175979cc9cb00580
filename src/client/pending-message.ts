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
  /** By this machine's clock. */
  readonly created_at: string;
  readonly state: "queued" | "sending" | "sent" | "failed";
  readonly problem: ProblemError | undefined;
}

export type SendResult =
  | { readonly ok: true; readonly message_id: number; readonly seq: number }
  | { readonly ok: false; readonly problem: ProblemError };

export interface Sending {
  readonly clientId: string;
  /** Settles when the message is stored or has failed. Never rejects. */
  readonly settled: Promise<SendResult>;
}
