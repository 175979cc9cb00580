// One running server: Bun.serve, its tasks, and the orderly shutdown.
import type { Server } from "bun";
import type { PeopleChanges } from "./accounts/people-changes.ts";
import { createApp, type AppParts } from "./app.ts";
import type { Ctx } from "./context.ts";
import type { ClosableMailQueue } from "./account-mail/mail-queue.ts";
import type { JobQueue } from "./jobs/job-queue.ts";
import type { Presence } from "./presence/presence.ts";
import type { Config } from "./config/config.ts";
import { localUrl } from "./config/local-url.ts";
import { within } from "./schedule.ts";
import type { SearchIndexer } from "./search/indexer.ts";
import type { SocketParts } from "./socket/frames.ts";
import { catchUp } from "./socket/log-check.ts";
import { createSocketHandler } from "./socket/handler.ts";
import type { Memberships } from "./socket/memberships.ts";
import type { SocketRegistry } from "./socket/registry.ts";
import type { SocketData } from "./socket/session.ts";
import { asksForSocket, createDirectUpgrade } from "./socket/upgrade.ts";
import type { Problem } from "./wire/problems.ts";
import { defaultTaskDurations, startTasks, type TaskDurations, type TaskParts } from "./tasks.ts";

/** Durations in milliseconds. Tests shorten them. */
export interface ServerDurations extends TaskDurations {
  /** The time that a shutdown leaves to frames and answers that have begun. */
  drainMs: number;
  /** The time that a shutdown leaves to peers that don't answer its close frames. */
  closeMs: number;
}

const defaultDurations: ServerDurations = {
  ...defaultTaskDurations,
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
export type ServerParts = SocketParts & AppParts & TaskParts & { mail: ClosableMailQueue };

export interface RunningServer {
  readonly ctx: Ctx;
  /** Tests call its heartbeat and checks. */
  readonly sockets: SocketRegistry;
  readonly presence: Presence;
  readonly peopleChanges: PeopleChanges;
  readonly memberships: Memberships;
  /** Tests call it instead of waiting. */
  readonly indexer: SearchIndexer;
  readonly jobs: JobQueue;
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

/** @throws Error with a sentence for the user when the address is in use, or is none of this machine */
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
  parts.peers?.start(() => void catchUp(ctx, parts.memberships));
  const port = server.port ?? ctx.config.port;
  return {
    ctx,
    sockets,
    presence: parts.presence,
    peopleChanges: parts.peopleChanges,
    memberships: parts.memberships,
    indexer: parts.indexer,
    jobs: parts.jobs,
    port,
    url: localUrl({ host: ctx.config.host, port }),
    async stop() {
      ctx.lifecycle.closing = true;
      const jobsStopped = parts.jobs.stop(times.drainMs);
      await within(times.drainMs, Promise.all([sockets.idle(), ctx.answers.close()]));
      for (const stop of stops) stop();
      await within(times.closeMs, parts.presence.people.stop());
      await within(times.closeMs, parts.indexer.stop());
      await within(times.closeMs, jobsStopped);
      parts.mail.close();
      // A connection that ends before its peer has read the close frame may lose it.
      await within(
        times.closeMs,
        sockets.closeAll("restart", "the server restarts, reconnect in a moment"),
      );
      // Their people come back to other servers, where these sockets must not count any more.
      if (sockets.counts) await within(times.closeMs, sockets.counts.flush());
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
    commitQueue: ctx.grouped.waitingMessages,
    reactionQueue: storeReaction.waitingCount,
    inboxes: () => sockets.waitingFrames(),
    passwordQueue: () => passwords.waitingCount,
    searchLagMs: () => indexer.lagMs,
    jobs: () => parts.jobs.counts,
    bus: () => peers && { isUp: peers.bus === "up", subscriptions: peers.subscriptionCount },
  });
}

function serve(parts: ServerParts): Server<SocketData> {
  const { config } = parts.ctx;
  const app = createApp(parts);
  const upgradeDirectly = createDirectUpgrade(parts.ctx, parts.upgrade);
  return listening(config, {
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
      const answer = (socketRefusal?: Problem) => app.fetch(request, { server, socketRefusal });
      return asksForSocket(request) ? upgradeDirectly(request, server, answer) : answer();
    },
    websocket: createSocketHandler(parts),
  });
}

function listening(
  { host, port }: Config,
  options: Bun.Serve.Options<SocketData>,
): Server<SocketData> {
  try {
    return Bun.serve<SocketData>(options);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    const advice =
      code === "EADDRINUSE"
        ? "end the program that uses it, or set PORT to another one"
        : "set HOST to an address of this machine, such as 0.0.0.0, and PORT to one that this user may use";
    throw new Error(`The server cannot listen on port ${port} of ${host}: ${advice}.`, { cause });
  }
}
