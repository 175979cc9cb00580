// One running server: Bun.serve, recurring tasks, and the orderly shutdown.
import type { Server } from "bun";
import type { PeopleChanges } from "./accounts/people-changes.ts";
import { cleanUpSessions } from "./accounts/authentication.ts";
import { checkSessions } from "./accounts/session-check.ts";
import { continueDeletions } from "./account-deletion/job.ts";
import { cleanUpCopies, removeCopies } from "./answers/files/copies.ts";
import { recoverAnswers } from "./answers/recovery.ts";
import { cleanUpUploads, purgeFiles } from "./attachments/purge.ts";
import { continueTranscriptions } from "./attachments/transcripts/job.ts";
import { createApp, type AppParts } from "./app.ts";
import { cleanUpAudit } from "./audit/audit.ts";
import { purgeDeletedChats } from "./chats/purge.ts";
import type { Ctx } from "./context.ts";
import type { Presence } from "./presence/presence.ts";
import type { Peers } from "./realtime/peers.ts";
import { every, within } from "./schedule.ts";
import type { SearchIndexer } from "./search/indexer.ts";
import type { SocketParts } from "./socket/frames.ts";
import { createLogCheck } from "./socket/log-check.ts";
import type { Memberships } from "./socket/memberships.ts";
import { defaultPeerDurations, startPeerTasks, type PeerDurations } from "./socket/peer-tasks.ts";
import { createSocketHandler } from "./socket/handler.ts";
import type { SocketRegistry } from "./socket/registry.ts";
import type { SocketData } from "./socket/session.ts";
import { asksForSocket, createDirectUpgrade } from "./socket/upgrade.ts";

/** Durations in milliseconds. Tests shorten them. */
export interface ServerDurations extends PeerDurations {
  /** A peer that was silent from one heartbeat to the next is cut off. */
  heartbeatMs: number;
  /** Between two looks for sockets whose token has expired or never came. */
  sessionCheckMs: number;
  /**
   * Sockets of a session that another node has ended are closed within this, and people who told another node whether they want
   * to be seen are shown or hidden.
   */
  endedCheckMs: number;
  /** A frame that was lost and has no successor is noticed within this. */
  logCheckMs: number;
  /** {@link logCheckMs} where there is a bus between servers. */
  sharedLogCheckMs: number;
  /** Between two looks for people who came into chats or left them. */
  membershipPollMs: number;
  /** Between two looks for answers whose node is gone. */
  recoveryMs: number;
  /** Between two purges of deleted chats and of files, and two looks for deleted accounts. */
  purgeMs: number;
  /** Between two looks for people whose presence has changed. */
  presencePollMs: number;
  /** Between two looks for voice messages that are to be transcribed. */
  transcribeMs: number;
  /** Between two looks for people whose profiles or blocks have changed. */
  peoplePollMs: number;
  /** Between two renewals of the lease of this server's people: a third of the lease at most. */
  presenceRenewMs: number;
  /** Between two looks for messages that searches do not find yet. */
  indexMs: number;
  cleanUpMs: number;
  /** The time that a shutdown leaves to frames and answers that have begun. */
  drainMs: number;
  /** The time that a shutdown leaves to peers that don't answer its close frames. */
  closeMs: number;
}

const defaultDurations: ServerDurations = {
  heartbeatMs: 25_000,
  sessionCheckMs: 1_000,
  endedCheckMs: 3_000,
  logCheckMs: 2_000,
  ...defaultPeerDurations,
  sharedLogCheckMs: 1_500,
  membershipPollMs: 1_000,
  recoveryMs: 500,
  purgeMs: 1_000,
  presencePollMs: 1_000,
  transcribeMs: 1_000,
  peoplePollMs: 1_000,
  presenceRenewMs: 8_000,
  indexMs: 750,
  cleanUpMs: 10 * 60_000,
  drainMs: 4_000,
  closeMs: 1_000,
};

/**
 * Seconds without a byte after which a connection is closed. Proxies keep idle connections for 60 s (nginx, AWS ALB): a server that closes one
 * earlier may lose a request that is just being sent, which a proxy repeats only if it changes nothing. It is longer than any
 * request waits, too: to stop an answer on another node takes up to 10 s, which is Bun's default.
 */
const idleTimeoutSeconds = 75;

/** The objects that a server needs from compose.ts. */
export type ServerParts = SocketParts &
  AppParts & {
    peopleChanges: PeopleChanges;
    memberships: Memberships;
    indexer: SearchIndexer;
    /** Undefined where there is no bus. */
    peers: Peers | undefined;
  };

export interface RunningServer {
  readonly ctx: Ctx;
  /** Tests call its heartbeat and checks. */
  readonly sockets: SocketRegistry;
  readonly presence: Presence;
  readonly peopleChanges: PeopleChanges;
  readonly memberships: Memberships;
  /** Tests call it instead of waiting. */
  readonly indexer: SearchIndexer;
  readonly port: number;
  /** The address for a client on this machine. */
  readonly url: string;
  /**
   * Shuts down in order: nothing new is begun, frames and requests that have begun are committed and acknowledged,
   * running answers are handed over as they are, and all sockets are closed with 1012. Takes less than 10 s. The
   * database pool is left open.
   */
  stop(): Promise<void>;
}

/** @throws when the address is in use */
export function startServer(
  parts: ServerParts,
  durations: Partial<ServerDurations> = {},
): RunningServer {
  const { ctx, sockets } = parts;
  const times = { ...defaultDurations, ...durations };
  watchState(parts);
  const server = serve(parts);
  sockets.attach(server);
  const stops = startTasks(parts, times);
  const port = server.port ?? ctx.config.port;
  const host = ["0.0.0.0", "::"].includes(ctx.config.host) ? "localhost" : ctx.config.host;
  return {
    ctx,
    sockets,
    presence: parts.presence,
    peopleChanges: parts.peopleChanges,
    memberships: parts.memberships,
    indexer: parts.indexer,
    port,
    url: `http://${host}:${port}`,
    async stop() {
      ctx.lifecycle.closing = true;
      await within(times.drainMs, Promise.all([sockets.idle(), ctx.answers.close()]));
      for (const stop of stops) stop();
      await within(times.closeMs, parts.presence.people.stop());
      await within(times.closeMs, parts.indexer.stop());
      // A connection that ends before its peer has read the close frame may lose it.
      await within(
        times.closeMs,
        sockets.closeAll("restart", "the server restarts, reconnect in a moment"),
      );
      if (parts.peers) await within(times.closeMs, parts.peers.stop());
      // Bun's graceful stop may wait for ever for a peer that doesn't answer.
      await within(times.closeMs, server.stop());
      await within(times.closeMs, server.stop(true));
    },
  };
}

function watchState(parts: ServerParts): void {
  const { ctx, sockets, passwords, storeReaction, indexer, peers } = parts;
  ctx.telemetry.metrics.watch({
    socketsOpen: () => sockets.size,
    rooms: () => ctx.realtime.rooms.counts(),
    answersRunning: () => ctx.answers.runIds().length,
    commitQueue: ctx.insertMessage.waitingCount,
    reactionQueue: storeReaction.waitingCount,
    inboxes: () => sockets.waitingFrames(),
    passwordQueue: () => passwords.waitingCount,
    searchLagMs: () => indexer.lagMs,
    bus: () => peers && { isUp: peers.bus === "up", subscriptions: peers.subscriptionCount },
  });
}

function serve(parts: ServerParts): Server<SocketData> {
  const { config } = parts.ctx;
  const app = createApp(parts);
  const upgradeDirectly = createDirectUpgrade(parts.ctx, parts.upgrade);
  return Bun.serve<SocketData>({
    hostname: config.host,
    port: config.port,
    // The app's own limit answers with a problem, where Bun's would be bare. A body above it is not kept in memory either.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    idleTimeout: idleTimeoutSeconds,
    // Otherwise Bun shows its stack and source outside production when a request fails past the app's own error handler.
    development: false,
    // With it, two servers could listen on one port, and half of the connections would go to each.
    reusePort: false,
    fetch: (request, server) => {
      const answer = () => app.fetch(request, { server });
      return asksForSocket(request) ? upgradeDirectly(request, server, answer) : answer();
    },
    websocket: createSocketHandler(parts),
  });
}

/** @returns a stop for each recurring task */
function startTasks(parts: ServerParts, times: ServerDurations): (() => void)[] {
  const { ctx, sockets, presence, peopleChanges, memberships, indexer, peers } = parts;
  const { log } = ctx;
  const { cleanUpMs } = times;
  return [
    ...(peers ? startPeerTasks({ ctx, memberships, peers }, times) : []),
    every(times.heartbeatMs, "heartbeat", log, () => void sockets.heartbeat()),
    every(times.sessionCheckMs, "sessions", log, () => sockets.checkSessions(ctx.now().getTime())),
    every(peers ? times.sharedLogCheckMs : times.logCheckMs, "log check", log, createLogCheck(ctx)),
    every(times.membershipPollMs, "memberships", log, () => memberships.poll()),
    // Answers that a server before this one has handed over go on without a wait.
    every(times.recoveryMs, "answer recovery", log, () => recoverAnswers(ctx), {
      atOnce: true,
    }),
    every(times.endedCheckMs, "ended sessions", log, () =>
      checkSessions(ctx, sockets.sessionIds()),
    ),
    every(times.purgeMs, "purge of deleted chats", log, () => purgeDeletedChats(ctx)),
    every(times.purgeMs, "purge of files", log, () => purgeFiles(ctx)),
    every(times.transcribeMs, "transcription", log, () => continueTranscriptions(ctx)),
    every(times.purgeMs, "purge of the model's copies of files", log, () => removeCopies(ctx)),
    every(times.purgeMs, "deletion of accounts", log, () => continueDeletions(ctx)),
    every(times.presencePollMs, "presence", log, () => {
      presence.people.checkIdle();
      return presence.watches.poll();
    }),
    // At once, so that no change is missed by the first sockets.
    every(times.peoplePollMs, "changed people", log, () => peopleChanges.poll(), { atOnce: true }),
    every(cleanUpMs, "clean-up of changed people", log, () => peopleChanges.cleanUp()),
    every(times.presenceRenewMs, "presence lease", log, () => presence.people.renew()),
    every(times.indexMs, "search index", log, () => indexer.run()),
    every(cleanUpMs, "presence clean-up", log, () => presence.cleanUp()),
    every(cleanUpMs, "session clean-up", log, () => cleanUpSessions(ctx)),
    every(cleanUpMs, "rate clean-up", log, () => ctx.rateLimits.cleanUp()),
    every(cleanUpMs, "upload clean-up", log, () => cleanUpUploads(ctx)),
    every(cleanUpMs, "clean-up of the model's copies of files", log, () => cleanUpCopies(ctx)),
    every(cleanUpMs, "audit clean-up", log, () => cleanUpAudit(ctx)),
  ];
}
