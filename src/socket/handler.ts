// Bun's WebSocket handler: limits, opening, incoming texts, heartbeat answers and closing.
import type { WebSocketHandler } from "bun";
import { frameBytesMax } from "../wire/client-frames.ts";
import { Problem } from "../wire/problems.ts";
import { FrameRunner, unreadBytesMax, type SocketParts } from "./frames.ts";
import { Inbox } from "./inbox.ts";
import { openSession } from "./opening.ts";
import { backpressureBytesMax, closeSocket } from "./sending.ts";
import type { Socket, SocketData } from "./session.ts";
import { endOf, SocketLogs } from "./socket-log.ts";

const floodRetryAfterSeconds = 1;

export function createSocketHandler(parts: SocketParts): WebSocketHandler<SocketData> {
  const { ctx, sockets } = parts;
  const { metrics } = ctx.telemetry;
  const logs = new SocketLogs(ctx.log, ctx.config.logSocketsSample);
  const frames = new FrameRunner(parts);
  return {
    maxPayloadLength: frameBytesMax,
    backpressureLimit: backpressureBytesMax,
    closeOnBackpressureLimit: true,
    // Our own heartbeat notices dead peers, also those we keep sending to, which Bun's idle time-out never does.
    idleTimeout: 0,
    sendPings: false,
    perMessageDeflate: false,

    open(ws) {
      metrics.socketOpened();
      ws.data.log = logs.open(ws.data.requestId);
      ws.data.requestId = undefined;
      const { refusal, token } = ws.data;
      if (refusal !== undefined) {
        closeSocket(ws, "rate_limited", refusal);
      } else if (!sockets.add(ws)) {
        closeSocket(ws, "too_many_sockets", "close another socket from this address first");
      } else if (token !== undefined) {
        ws.data.token = undefined;
        void openSession(ctx, sockets, ws, token, { isInAddress: true }).finally(() =>
          letNextIn(ws),
        );
        return;
      }
      letNextIn(ws);
    },

    message(ws, data) {
      ws.data.alive = true;
      if (typeof data === "string") receive(ws, data, frames);
      else frames.refuse(ws, new Problem("not_json", "Send text frames, not binary ones."));
    },

    drain(ws) {
      if (ws.getBufferedAmount() <= unreadBytesMax) ws.data.drained?.();
    },

    pong(ws) {
      ws.data.alive = true;
    },

    close(ws, code, reason) {
      const end = endOf(ws.data.log, code, reason);
      metrics.socketClosed(end);
      ws.data.log?.closed(end, code, ws.data.session?.userId);
      ws.data.inbox?.close();
      ws.data.drained?.();
      letNextIn(ws);
      sockets.remove(ws);
      const { session } = ws.data;
      if (!session) return;
      for (const chatId of [...session.joined]) ctx.realtime.rooms.leave(chatId, session);
    },
  };
}

function letNextIn({ data }: Socket): void {
  data.letNextIn?.();
  data.letNextIn = undefined;
}

/** Puts a text into the socket's inbox. */
function receive(ws: Socket, text: string, frames: FrameRunner): void {
  ws.data.inbox ??= new Inbox(
    (next) => frames.run(ws, next),
    () => {
      ws.data.inbox = undefined;
    },
  );
  const taken = ws.data.inbox.push(text);
  if (taken === "warned") {
    frames.refuse(
      ws,
      new Problem("flood", "Frames come faster than they can be handled. Slow down.", {
        retryAfterSeconds: floodRetryAfterSeconds,
      }),
    );
  } else if (taken === "full") {
    ws.data.inbox.close();
    closeSocket(ws, "flood", "too many frames at once");
  }
}
