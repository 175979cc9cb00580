// Makes the context and the objects behind its ports: the only file that knows every feature.
import type { Logger } from "pino";
import { PeopleChanges } from "./accounts/people-changes.ts";
import { Passwords, type PasswordCost } from "./accounts/passwords.ts";
import { createArrivals } from "./accounts/arrivals.ts";
import { RecentSessions } from "./accounts/recent-sessions.ts";
import { leaseSeconds } from "./answers/budget/abandoned-runs.ts";
import { RunningAnswers } from "./answers/running-answers.ts";
import { handleTranscripts } from "./attachments/transcripts/job.ts";
import { keepPicture } from "./attachments/keep-picture.ts";
import { Uploads } from "./attachments/uploads.ts";
import type { Bus } from "./bus/bus.ts";
import type { ServerConfig } from "./config/config.ts";
import type { Ctx, Grouped, Model } from "./context.ts";
import { noPeers } from "./realtime/ports.ts";
import type { Sql } from "./database/connect.ts";
import { ExportSlots } from "./export/export-slots.ts";
import { repeatedAfterDeadlocks } from "./database/deadlocks.ts";
import { GroupCommit } from "./database/group-commit.ts";
import { observed } from "./database/query-metrics.ts";
import { openFileStore } from "./file-store/open-store.ts";
import { JobQueue } from "./jobs/job-queue.ts";
import { insertMessages, type InsertedMessage, type NewMessage } from "./log/insert.ts";
import { findLastSeqs } from "./log/replay.ts";
import { createMailQueue } from "./account-mail/mail-queue.ts";
import { TypingNotices } from "./messages/typing.ts";
import { noMetrics } from "./observability/metrics/metrics.ts";
import { noTelemetry, type Telemetry } from "./observability/telemetry.ts";
import { createOutgoingHttp } from "./outgoing-http/outgoing-http.ts";
import { Presence } from "./presence/presence.ts";
import { handlePush, type PushDurations } from "./push/ring.ts";
import { createStoreReaction } from "./reactions/commit.ts";
import { ReadNotices } from "./receipts/notices.ts";
import { createRateLimits } from "./rate-limits/rate-limits.ts";
import type { ServerParts } from "./server.ts";
import { Arrivals } from "./socket/arrivals.ts";
import { createLiveParts, type LiveDurations, type LiveParts } from "./socket/live-parts.ts";
import { Memberships } from "./socket/memberships.ts";
import { SearchIndexer } from "./search/indexer.ts";
import { handleDeliveries } from "./webhooks/deliver.ts";
import { SocketUpgrade } from "./socket/upgrade.ts";

const commitGroupMax = 256;
const commitQueueMax = 10_000;

export interface ContextParts {
  config: ServerConfig;
  sql: Sql;
  log: Logger;
  model: Model;
  telemetry?: Telemetry | undefined;
  now?: (() => Date) | undefined;
  durations?: Partial<ComposedDurations> | undefined;
  /** The bus between servers, which is not started yet; undefined where there is none. */
  bus?: Bus | undefined;
  /** OWASP's minimum unless said otherwise. Tests sign in hundreds of times, at a lower one. */
  passwordCost?: PasswordCost | undefined;
}

/** Durations in milliseconds. Tests shorten them. */
export interface ComposedDurations extends LiveDurations, PushDurations {
  /** A person's typing is shown at most once in this interval. */
  typingMs: number;
  /** A chat's sockets are sent read positions, and its merged sockets read receipts, at most once in this interval. */
  receiptsMs: number;
  /** Somebody whose last socket has closed counts as connected for so long. */
  presenceHoldMs: number;
  /** Without a frame for so long a person is away. */
  presenceIdleMs: number;
  /** The people of a server that was killed count as connected for so long. */
  presenceLeaseMs: number;
  /** A socket that signs in for longer no longer holds up those that wait to be opened. */
  signInMs: number;
  /** An answer waits so long for the model's copies of its files. */
  fileWaitMs: number;
  /** See `createMailQueue`. */
  mailRetryMs: readonly number[];
  /** See `handleDeliveries`. */
  webhookRetryMs: readonly number[];
  /** Another server fills the index of the searches within this after the one that did was killed. */
  indexerLeaseMs: number;
}

/** Makes everything that a server needs. Nothing runs yet, and nothing is asked of the database. */
export function compose(parts: ContextParts): ServerParts {
  const { config, log, model } = parts;
  const { telemetry = noTelemetry, now = () => new Date(), durations = {} } = parts;
  const { metrics } = telemetry;
  const pool = repeatedAfterDeadlocks(parts.sql);
  const sql = metrics === noMetrics ? pool : observed(pool, metrics);
  const presence = new Presence({
    sql,
    log,
    now,
    onWritten: () => live.peers?.lookAt("presence"),
    durations,
  });
  const uploads = new Uploads(log);
  const answers = new RunningAnswers({
    fileWaitMs: durations.fileWaitMs,
    keepPicture: (context, picture) => keepPicture(context, uploads, picture),
    onRuns: (answer, isRunning) => live.peers?.answerRuns(answer, isRunning),
  });
  const live: LiveParts = createLiveParts({
    ...{ config, sql, log, metrics, durations, presence, answers },
    bus: parts.bus,
    server: () => server,
  });
  const { sockets, rooms, peers } = live;
  const lifecycle = { closing: false };
  const jobs = new JobQueue({ sql, log, metrics, lifecycle });
  const ctx: Ctx = {
    config,
    sql,
    log,
    now,
    telemetry,
    model,
    files: openFileStore(config),
    realtime: live.realtime,
    peers: peers ?? noPeers,
    gateway: sockets,
    sessionCache: new RecentSessions(),
    rateLimits: createRateLimits({ config, sql, log }),
    grouped: { ...createInserts(sql, telemetry), ...createArrivals(sql) },
    answers,
    jobs,
    outgoing: createOutgoingHttp({ allowed: config.webhookAllow }),
    lifecycle,
  };
  handleTranscripts(ctx);
  handlePush(ctx, durations);
  const mail = createMailQueue(ctx, durations.mailRetryMs);
  handleDeliveries({ ctx, mail }, durations.webhookRetryMs);
  const server: ServerParts = {
    ctx,
    sockets,
    peers,
    jobs,
    exportSlots: new ExportSlots(),
    passwords: new Passwords(log, parts.passwordCost),
    mail,
    presence,
    peopleChanges: new PeopleChanges(ctx),
    memberships: new Memberships({
      sql,
      sockets,
      async onEnded(chatIds) {
        const found = await findLastSeqs(sql, [...chatIds]);
        for (const { id, last_seq } of found) rooms.expect(id, last_seq);
      },
    }),
    typing: new TypingNotices(ctx, durations.typingMs),
    storeReaction: createStoreReaction(sql),
    uploads,
    receipts: new ReadNotices(ctx, durations.receiptsMs),
    upgrade: new SocketUpgrade(ctx, new Arrivals({ runningMs: durations.signInMs })),
    indexer: new SearchIndexer({ sql, log, metrics, now, lifecycle }, durations.indexerLeaseMs),
  };
  return server;
}

type Inserts = Pick<Grouped, "insertMessage" | "waitingMessages">;

function createInserts(sql: Sql, { metrics, tracing }: Telemetry): Inserts {
  const groupCommit = new GroupCommit<NewMessage, InsertedMessage>(
    (messages) => insertMessages(sql, messages, { leaseSeconds }),
    {
      keyOf: (message) => message.chatId,
      sizeMax: commitGroupMax,
      queueMax: commitQueueMax,
      onGroup: metrics.groupCommitted,
    },
  );
  return {
    insertMessage: (message) => tracing.commit(() => groupCommit.add(message)),
    waitingMessages: () => groupCommit.waitingCount,
  };
}
