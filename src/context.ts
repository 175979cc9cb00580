// What every action is given, and how it is made.
import type { Logger } from "pino";
import type { StreamAnswer } from "./model/stream-answer.ts";
import { createReplies, type Replies } from "./answers/running.ts";
import type { Config } from "./config/config.ts";
import { GroupCommit } from "./database/group-commit.ts";
import type { Sql } from "./database/connect.ts";
import { observed } from "./database/query-metrics.ts";
import { createActivity } from "./realtime/activity-throttle.ts";
import { createLocalBroker, type Emit, type Publish } from "./realtime/publish.ts";
import { createRooms, type Rooms } from "./realtime/rooms.ts";
import { createReadLog } from "./log/replay.ts";
import { insertMessages, type InsertedMessage, type NewMessage } from "./log/insert.ts";
import { createRates, type Rates } from "./rate-limits/rates.ts";
import { noMetrics, type Metrics } from "./observability/metrics/metrics.ts";
import { noTracing, type Tracing } from "./observability/tracing/tracing.ts";
import type { UserFrame } from "./wire/frames.ts";

const commitGroupMax = 256;
const commitQueueMax = 10_000;

/** The language model that answers `/bot`, or why there is none. */
export interface Model {
  answer: StreamAnswer | undefined;
  /** For the start message and `/ready`. */
  description: string;
}

export interface InsertMessage {
  (message: NewMessage): Promise<InsertedMessage>;
  /** Messages that wait for their group commit. */
  waitingCount(): number;
}

/** What every action is given. Made once a process (and once a test). */
export interface Ctx {
  readonly config: Config;
  /** Signs and verifies access tokens. */
  readonly secretKey: string;
  readonly sql: Sql;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  readonly now: () => Date;
  readonly model: Model;
  readonly publish: Publish;
  readonly rooms: Rooms;
  /** How often who may do what. */
  readonly rates: Rates;
  /** The group commit of new messages. */
  readonly insertMessage: InsertMessage;
  /** The answers that are running on this node. */
  readonly replies: Replies;
  /** Questions that are being stored, by chat, person and client id. */
  readonly asking: Map<string, Promise<unknown>>;
  /** The chats whose history is being summed up on this node. */
  readonly folding: Set<number>;
  /** `closing` from the moment the server goes down: nothing new is begun. */
  readonly lifecycle: { closing: boolean };
  /** Closes every open socket of these sessions. */
  readonly disconnectSessions: (sessionIds: readonly string[]) => void;
  /** Closes every open socket of a person, who may come back at once. */
  readonly disconnectUser: (userId: number) => void;
  /** Tells a person's open sockets no more news of a chat. */
  readonly unfollow: (userId: number, chatId: number) => void;
}

export interface ContextParts {
  config: Config;
  secretKey: string;
  sql: Sql;
  log: Logger;
  model: Model;
  metrics?: Metrics;
  tracing?: Tracing;
  now?: () => Date;
}

/** The way to this node's sockets. */
export interface Reach {
  emit: Emit;
  notify: (userId: number, frame: UserFrame) => void;
  disconnectSessions: (sessionIds: readonly string[]) => void;
  disconnectUser: (userId: number) => void;
  unfollow: (userId: number, chatId: number) => void;
}

/** For a process that serves nobody, such as a script. */
const nobody: Reach = {
  emit() {},
  notify() {},
  disconnectSessions() {},
  disconnectUser() {},
  unfollow() {},
};

export function createContext(parts: ContextParts, reach: Reach = nobody): Ctx {
  const { config, secretKey, log, model, now = () => new Date() } = parts;
  const { metrics = noMetrics, tracing = noTracing } = parts;
  const sql = metrics === noMetrics ? parts.sql : observed(parts.sql, metrics);
  const { emit, notify, disconnectSessions, disconnectUser, unfollow } = reach;
  const replies = createReplies({
    answersMax: config.budgets.serverAnswers,
    configured: model.answer !== undefined,
  });
  const rooms = createRooms({
    emit,
    readLog: createReadLog(sql, { onEnded: replies.hasEnded }),
    log,
    metrics,
  });
  const groupCommit = new GroupCommit<NewMessage, InsertedMessage>(
    (messages) => insertMessages(sql, messages),
    {
      keyOf: (message) => message.chatId,
      sizeMax: commitGroupMax,
      queueMax: commitQueueMax,
      onGroup: metrics.groupCommitted,
    },
  );
  return {
    config,
    secretKey,
    sql,
    log,
    metrics,
    tracing,
    now,
    model,
    rooms,
    rates: createRates({ config, sql, log }),
    publish: createLocalBroker({ rooms, activity: createActivity(emit), notify }),
    insertMessage: Object.assign(
      (message: NewMessage) => tracing.commit(() => groupCommit.add(message)),
      { waitingCount: () => groupCommit.waitingCount },
    ),
    replies,
    asking: new Map(),
    folding: new Set(),
    lifecycle: { closing: false },
    disconnectSessions,
    disconnectUser,
    unfollow,
  };
}
