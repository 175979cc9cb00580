import type { Logger } from "pino";
import type { StreamAnswer } from "./bot/model.ts";
import type { Replies } from "./bot/replies.ts";
import type { Config } from "./config.ts";
import type { Batch } from "./database/batch.ts";
import type { Sql } from "./database/connect.ts";
import type { Publish } from "./events/broker.ts";
import type { Rooms } from "./events/rooms.ts";
import type { InsertedMessage, NewMessage } from "./messages/queries.ts";

/** The language model that answers `/bot`, or why there is none. */
export interface Model {
  answer: StreamAnswer | undefined;
  /** For the start message and `/ready`. */
  description: string;
}

/** What every action is given. Made once, by main.ts (and by tests). */
export interface Ctx {
  readonly config: Config;
  /** Signs and verifies access tokens. */
  readonly secretKey: string;
  readonly sql: Sql;
  readonly log: Logger;
  readonly now: () => Date;
  readonly model: Model;
  readonly publish: Publish;
  readonly rooms: Rooms;
  /** The group commit of new messages. */
  readonly insertMessage: Batch<NewMessage, InsertedMessage>;
  /** The answers that are running on this node. */
  readonly replies: Replies;
  /** `closing` from the moment the server goes down: nothing new is begun. */
  readonly lifecycle: { closing: boolean };
  /** Closes every open socket of a session. */
  readonly disconnectSession: (sessionId: string) => void;
}
