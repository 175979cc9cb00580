// One running server: its context, Bun.serve, what has to be done now and then, and going down in order.
import type { Server } from "bun";
import type { Logger } from "pino";
import { createApp } from "./app.ts";
import { cleanUpSessions } from "./auth/actions.ts";
import { sweepAbandonedAnswers } from "./bot/actions.ts";
import { createReplies } from "./bot/replies.ts";
import type { Config } from "./config.ts";
import type { Ctx, Model } from "./context.ts";
import { createBatch } from "./database/batch.ts";
import type { Sql } from "./database/connect.ts";
import { createActivity } from "./events/activity.ts";
import { createLocalBroker, type Emit } from "./events/broker.ts";
import { createRooms } from "./events/rooms.ts";
import { bodyBytesMax } from "./http/edge.ts";
import { createReadLog, findLastSeqs } from "./messages/log.ts";
import { insertMessages, type InsertedMessage, type NewMessage } from "./messages/queries.ts";
import { every, within } from "./schedule.ts";
import { createSocketHandler } from "./socket/handler.ts";
import { createSockets, type SocketData } from "./socket/sockets.ts";

const batchSizeMax = 256;
const batchQueueMax = 10_000;

const heartbeatMs = 25_000;
const sessionCheckMs = 1_000;
/** A frame that was lost without a successor is noticed within this. */
const logCheckMs = 2_000;
const sweepMs = 3_000;
const cleanUpMs = 10 * 60_000;

const drainMs = 4_000;
const closeMs = 2_000;

export interface RunningServer {
  readonly ctx: Ctx;
  readonly port: number;
  /** As a client on this machine writes it. */
  readonly url: string;
  /**
   * Goes down in order: nothing new is begun, what was begun is committed and acknowledged, running answers are kept
   * as they are, everyone gets close 1012. Takes less than 10 s. The database pool is left open.
   */
  stop(): Promise<void>;
}

export interface ServerParts {
  config: Config;
  secretKey: string;
  sql: Sql;
  log: Logger;
  model: Model;
  now?: () => Date;
}

/** @throws when the address is in use */
export function startServer({
  config,
  secretKey,
  sql,
  log,
  model,
  now,
}: ServerParts): RunningServer {
  let server: Server<SocketData> | undefined;
  const emit: Emit = (topic, text) => void server?.publish(topic, text);
  const sockets = createSockets({
    perUserMax: config.socketsPerUserMax,
    perAddressMax: config.socketsPerAddressMax,
    emit,
  });
  const rooms = createRooms({ emit, readLog: createReadLog(sql), log });
  const ctx: Ctx = {
    config,
    secretKey,
    sql,
    log,
    now: now ?? (() => new Date()),
    model,
    rooms,
    publish: createLocalBroker({ rooms, activity: createActivity(emit), notify: sockets.notify }),
    insertMessage: createBatch<NewMessage, InsertedMessage>((items) => insertMessages(sql, items), {
      sizeMax: batchSizeMax,
      queueMax: batchQueueMax,
    }),
    replies: createReplies({
      answersMax: config.gemini.answersMax,
      configured: model.answer !== undefined,
    }),
    lifecycle: { closing: false },
    disconnectSession: (sessionId) => sockets.disconnectSession(sessionId),
  };

  const app = createApp(ctx);
  server = Bun.serve<SocketData>({
    hostname: config.host,
    port: config.port,
    // The app's own limit answers with a problem; this one is for what never reaches it.
    maxRequestBodySize: 4 * bodyBytesMax,
    fetch: (request, server) => app.fetch(request, { server }),
    websocket: createSocketHandler(ctx, sockets),
  });
  const stops = [
    every(heartbeatMs, "heartbeat", log, () => void sockets.heartbeat()),
    every(sessionCheckMs, "sessions", log, () => sockets.checkSessions(ctx.now().getTime())),
    every(logCheckMs, "log check", log, () => checkLogs(ctx)),
    every(sweepMs, "answer sweep", log, () => sweepAbandonedAnswers(ctx)),
    every(cleanUpMs, "session clean-up", log, () => cleanUpSessions(ctx)),
  ];

  const running = server;
  const port = running.port ?? config.port;
  const host = ["0.0.0.0", "::"].includes(config.host) ? "localhost" : config.host;
  return {
    ctx,
    port,
    url: `http://${host}:${port}`,
    async stop() {
      ctx.lifecycle.closing = true;
      await within(drainMs, Promise.all([sockets.idle(), ctx.replies.close()]));
      for (const stop of stops) stop();
      sockets.closeAll("restart", "the server restarts, reconnect in a moment");
      // Bun's graceful stop may wait for ever for a peer that doesn't answer.
      await within(closeMs, running.stop());
      await within(closeMs, running.stop(true));
    },
  };
}

async function checkLogs(ctx: Ctx): Promise<void> {
  const chatIds = ctx.rooms.chatIds();
  if (chatIds.length === 0) return;
  for (const { id, last_seq } of await findLastSeqs(ctx.sql, chatIds))
    ctx.rooms.expect(id, last_seq);
}
