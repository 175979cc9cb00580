// The acts of a play, and the outcomes of the requests that they make.

export type Act =
  | { kind: "send"; by: number; overHttp: boolean; twice: boolean }
  | { kind: "retry"; by: number; nth: number; changed: boolean; overHttp: boolean }
  | {
      kind: "edit";
      by: number;
      nth: number;
      content: "new" | "same";
      guarded: boolean;
      overHttp: boolean;
    }
  | { kind: "delete"; by: number; nth: number; overHttp: boolean }
  | { kind: "react"; by: number; nth: number; emoji: string; on: boolean; overHttp: boolean }
  | { kind: "join"; by: number; back: number | undefined }
  | { kind: "leave"; by: number }
  | { kind: "reconnect"; by: number }
  | { kind: "remove" | "invite"; guest: 0 | 1; byThemselves: boolean }
  | { kind: "promote" | "demote"; guest: 0 | 1 };

/** A change of a guest's membership or role. */
export type GuestAct = Extract<Act, { guest: 0 | 1 }>;

export interface Outcome {
  /** The code of the problem that refused the request. */
  code?: string | undefined;
  messageId?: number;
  seq?: number;
  updatedSeq?: number;
}

/** A statement of an acknowledged request about the log: the state of a message at a number. */
export interface Told {
  kind: "message" | "message_updated";
  messageId: number;
  number: number;
  content: string;
  userId: number;
}

/** The server and the model disagree. */
export class Mismatch extends Error {}

/** The code of a problem that was answered over HTTP. */
export function codeOf(problem: { type: unknown }): string | undefined {
  return String(problem.type).split("/").at(-1);
}
