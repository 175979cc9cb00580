// The room of a play: its people with their sockets, and the knowledge that all acts share.
import type { Sql } from "../../../src/database/connect.ts";
import type { TestSocket } from "../../world/socket.ts";
import type { Person } from "../../world/world.ts";
import { Mismatch, type Outcome } from "./acts.ts";
import { createModel, type Asked } from "./model.ts";
import type { Asking } from "./reactions.ts";

export interface Cast {
  owner: Person;
  guests: [Person, Person];
  sql: Sql;
}

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

interface PlayedRoomParts extends Cast {
  chatId: number;
  clients: Client[];
  anchor: { id: number; content: string };
}

export class PlayedRoom {
  readonly owner: Person;
  readonly guests: [Person, Person];
  readonly sql: Sql;
  readonly chatId: number;
  readonly clients: readonly Client[];
  /** Nobody deletes this message, so that it can be replied to. */
  readonly anchorId: number;
  readonly model = createModel();
  readonly members: Set<number>;
  readonly moderators = new Set<number>();
  /** The messages of earlier steps, with their authors. */
  readonly said: { messageId: number; userId: number }[] = [];
  /** The person whose role or membership the step changes. */
  movingId: number | undefined;
  /** The reactions of the step that were acknowledged. */
  reacted: Asking[] = [];
  #texts = 0;
  readonly #endings: readonly string[];

  private constructor({ owner, guests, sql, chatId, clients, anchor }: PlayedRoomParts) {
    this.owner = owner;
    this.guests = guests;
    this.sql = sql;
    this.chatId = chatId;
    this.clients = clients;
    this.anchorId = anchor.id;
    this.members = new Set([owner, ...guests].map((person) => person.id));
    this.model.add({ kind: "message", messageId: anchor.id, content: anchor.content });
    const [one, other] = guests.map(({ username }) => ` @${username}`);
    this.#endings = ["", "", `${one}`, "", " @all", `${other} @${owner.username}`];
  }

  static async open({ owner, guests, sql }: Cast): Promise<PlayedRoom> {
    const { id: chatId } = await owner.chat({ with: guests });
    const clients: Client[] = [];
    // The owner at two screens.
    for (const person of [owner, owner, ...guests]) {
      clients.push({ person, socket: await person.socket(), asked: [], sent: [], has: 0 });
    }
    const anchor = await owner.say(chatId, "anchor");
    return new PlayedRoom({ owner, guests, sql, chatId, clients, anchor });
  }

  get path(): string {
    return `/api/chats/${this.chatId}`;
  }

  /** A text that no other message has, some with mentions, and its number. */
  nextText(beginning: string): { text: string; number: number } {
    this.#texts += 1;
    const ending = this.#endings[this.#texts % this.#endings.length];
    return { text: `${beginning} ${this.#texts}${ending}`, number: this.#texts };
  }

  /** One of the messages of earlier steps. */
  messageAt(nth: number) {
    return this.said[nth % (this.said.length || 1)];
  }

  /** Whether the person may be in the room or not at any moment. */
  comesAndGoes({ person }: Client): boolean {
    return person !== this.owner;
  }

  /** @throws Mismatch unless a request was refused with a code that its sender may get */
  expectRefusal(client: Client, { code }: Outcome, expected: string): undefined {
    if (code !== expected) throw new Mismatch(`answered with ${code}, not ${expected}`);
    if (code === "not_found" && !this.comesAndGoes(client)) {
      throw new Mismatch("the owner is a stranger");
    }
  }

  async isDeleted(messageId: number): Promise<boolean> {
    const { body } = await this.owner.api("GET", `${this.path}/messages/${messageId}`);
    return body.deleted_at !== null;
  }
}
