// One running server: its context, Bun.serve, what has to be done now and then, and going down in order.
import type { Server } from "bun";
import { createApp } from "./app.ts";
import { cleanUpSessions } from "./accounts/sign-in.ts";
import { cleanUpAudit } from "./audit/audit.ts";
import { areSessionsLive } from "./accounts/queries.ts";
import { waitingHashes } from "./accounts/passwords.ts";
import { sweepAbandonedAnswers } from "./answers/recovery.ts";
import { createContext, type ContextParts, type Ctx } from "./context.ts";
import type { Emit } from "./realtime/publish.ts";
import type { Topic } from "./realtime/topics.ts";
import { noMetrics } from "./observability/metrics/metrics.ts";
import { findLastSeqs } from "./log/replay.ts";
import { every, within } from "./schedule.ts";
import { createSocketHandler } from "./socket/handler.ts";
import { createSockets, type SocketData, type Sockets } from "./socket/registry.ts";

const heartbeatMs = 25_000;
const sessionCheckMs = 1_000;
/** Sockets of a session that another server has ended are closed within this. */
const endedCheckMs = 3_000;
const endedPageSize = 1_000;
/** A frame that was lost without a successor is noticed within this. */
const logCheckMs = 2_000;
const sweepMs = 1_000;
const cleanUpMs = 10 * 60_000;

const drainMs = 4_000;
const closeMs = 1_000;

export interface RunningServer {
  readonly ctx: Ctx;
  /** For tests, which don't wait for a heartbeat. */
  readonly sockets: Sockets;
  readonly port: number;
  /** As a client on this machine writes it. */
  readonly url: string;
  /**
   * Goes down in order: nothing new is begun, what was begun is committed and acknowledged, running answers are kept
   * as they are, everyone gets close 1012. Takes less than 10 s. The database pool is left open.
   */
  stop(): Promise<void>;
}

/** @throws when the address is in use */
export function startServer(parts: ContextParts): RunningServer {
  const { config, log, metrics = noMetrics } = parts;
  let server: Server<SocketData> | undefined;
  const countSubscribers = (topic: Topic) => server?.subscriberCount(topic) ?? 0;
  const emit: Emit = (topic, text) => {
    metrics.framePublished(topic, countSubscribers);
    // 0 also where nobody is subscribed.
    const sent = server?.publish(topic, text);
    if (sent === 0 && countSubscribers(topic) > 0) {
      metrics.frameDropped("slow_reader");
      sockets.noteSlowReaders();
    }
  };
  const sockets = createSockets({
    perUserMax: config.socketsPerUserMax,
    perAddressMax: config.socketsPerAddressMax,
    emit,
  });
  const ctx = createContext(parts, {
    emit,
    notify: sockets.notify,
    disconnectSessions: sockets.disconnectSessions,
    disconnectUser: sockets.disconnectUser,
    unfollow: sockets.unfollow,
  });

  metrics.watch({
    socketsOpen: () => sockets.size,
    rooms: ctx.rooms.counts,
    answersRunning: () => ctx.replies.runIds().length,
    commitQueue: ctx.insertMessage.waitingCount,
    inboxes: sockets.waitingFrames,
    passwordQueue: waitingHashes,
  });

  const app = createApp(ctx);
  server = Bun.serve<SocketData>({
    hostname: config.host,
    port: config.port,
    // The app's own limit answers with a problem, where Bun's would be bare. What is not read is not kept either.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    // Else Bun shows whoever makes a request fail past the app's own answer its stack and source, outside production.
    development: false,
    // Which then lets two servers have one port, and half of the connections go to each.
    reusePort: false,
    fetch: (request, server) => app.fetch(request, { server }),
    websocket: createSocketHandler(ctx, sockets),
  });
  const stops = [
    every(heartbeatMs, "heartbeat", log, () => void sockets.heartbeat()),
    every(sessionCheckMs, "sessions", log, () => sockets.checkSessions(ctx.now().getTime())),
    every(logCheckMs, "log check", log, createLogCheck(ctx)),
    // What a server before this one has handed over goes on without a wait.
    every(sweepMs, "answer sweep", log, () => sweepAbandonedAnswers(ctx), { atOnce: true }),
    every(endedCheckMs, "ended sessions", log, () => closeEnded(ctx, sockets)),
    every(cleanUpMs, "session clean-up", log, () => cleanUpSessions(ctx)),
    every(cleanUpMs, "rate clean-up", log, () => ctx.rates.cleanUp()),
    every(cleanUpMs, "audit clean-up", log, () => cleanUpAudit(ctx)),
  ];

  const running = server;
  const port = running.port ?? config.port;
  const host = ["0.0.0.0", "::"].includes(config.host) ? "localhost" : config.host;
  return {
    ctx,
    sockets,
    port,
    url: `http://${host}:${port}`,
    async stop() {
      ctx.lifecycle.closing = true;
      await within(drainMs, Promise.all([sockets.idle(), ctx.replies.close()]));
      for (const stop of stops) stop();
      // A connection that ends before its peer has read the close frame may lose it.
      await within(
        closeMs,
        sockets.closeAll("restart", "the server restarts, reconnect in a moment"),
      );
      // Bun's graceful stop may wait for ever for a peer that doesn't answer.
      await within(closeMs, running.stop());
      await within(closeMs, running.stop(true));
    },
  };
}

/** Whoever ends a session closes the sockets of its own server; those of the others are found here. */
async function closeEnded(ctx: Ctx, sockets: Sockets): Promise<void> {
  const ids = sockets.sessionIds();
  for (let from = 0; from < ids.length; from += endedPageSize) {
    const page = ids.slice(from, from + endedPageSize);
    const live = await areSessionsLive(ctx.sql, page);
    sockets.disconnectSessions(page.filter((_, place) => !live[place]));
  }
}

function createLogCheck(ctx: Ctx): () => Promise<void> {
  let missing = new Set<number>();
  return async () => {
    const chatIds = ctx.rooms.chatIds();
    const found = chatIds.length > 0 ? await findLastSeqs(ctx.sql, chatIds) : [];
    for (const { id, last_seq } of found) ctx.rooms.expect(id, last_seq);
    const gone = new Set(chatIds).difference(new Set(found.map(({ id }) => id)));
    // The first time the reply to a deletion of this server's own may still be on its way.
    for (const chatId of gone.intersection(missing)) {
      // Another server has deleted it, or that reply was lost: its people come back and see.
      ctx.replies.abandonChat(chatId);
      for (const userId of ctx.rooms.end(chatId)) ctx.disconnectUser(userId);
    }
    missing = gone;
  };
}
