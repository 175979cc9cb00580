// Things that people do in a room, and what a play knows of the room and its people.
import type { Sql } from "../../../src/database/connect.ts";
import type { TestSocket } from "../../world/socket.ts";
import type { Person } from "../../world/world.ts";
import type { Asked, Model } from "./model.ts";
import type { Asking } from "./reactions.ts";

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
  | { kind: "remove" | "invite"; guest: 0 | 1; byThemselves: boolean };

export interface Sent {
  clientId: string;
  content: string;
  replyTo: number | undefined;
}

export interface Client {
  person: Person;
  socket: TestSocket;
  asked: Asked[];
  sent: (Sent & { messageId: number; seq: number })[];
  /** The number up to which it has everything. */
  has: number;
}

export interface Outcome {
  code?: string | undefined;
  messageId?: number;
  seq?: number;
  updatedSeq?: number;
}

/** An acknowledged request tells the state of a message at a number of the log. */
export interface Told {
  kind: "message" | "message_updated";
  messageId: number;
  number: number;
  content: string;
  userId: number;
}

export interface Cast {
  owner: Person;
  guests: [Person, Person];
  sql: Sql;
}

export class Mismatch extends Error {}

/** A room in which acts are played. */
export interface Room {
  cast: Cast;
  chatId: number;
  model: Model;
  /** The owner at two screens, and the guests. */
  clients: Client[];
  /** The messages of earlier steps, with their authors. */
  said: { messageId: number; userId: number }[];
  /** Nobody deletes this message, so that it can be replied to. */
  anchorId: number;
  /** The reactions of the step that were acknowledged. */
  reacted: Asking[];
  /** The number of texts that were made. */
  made: number;
}

export function isMoving({ cast }: Room, { person }: Client): boolean {
  return person !== cast.owner;
}

/** @throws Mismatch unless it was refused with `expected`, which only those who come and go may be told */
export function expectRefusal(
  room: Room,
  client: Client,
  { code }: Outcome,
  expected: string,
): undefined {
  if (code !== expected) throw new Mismatch(`answered with ${code}, not ${expected}`);
  if (code === "not_found" && !isMoving(room, client)) {
    throw new Mismatch("the owner is a stranger");
  }
}
