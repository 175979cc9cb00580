// Bun's WebSocket handler: from a text that came in to the action it asks for, and back.
import type { WebSocketHandler } from "bun";
import { identify, listSessionChats } from "../accounts/sign-in.ts";
import type { Ctx } from "../context.ts";
import type { TypingNotices } from "../messages/typing.ts";
import { asProblem } from "../http/problems.ts";
import {
  ClientFrame,
  Envelope,
  frameBytesMax,
  type ErrorFrame,
  type RequestId,
  type ServerFrame,
} from "../wire/frames.ts";
import { invalidInput, Problem } from "../wire/problems.ts";
import { dispatch } from "./dispatch.ts";
import { createInbox } from "./inbox.ts";
import {
  backpressureBytesMax,
  closeSocket,
  sendText,
  SocketSession,
  type Socket,
  type SocketData,
  type Sockets,
} from "./registry.ts";
import { createTrails, endOf, type FrameTrace } from "./socket-log.ts";
import type { z } from "zod";

/**
 * Above this the socket's next frame waits. Who asks for more than they read at once, such as the replays of many rooms,
 * gets it at the speed at which they read; only what others send may run past {@link backpressureBytesMax}.
 */
const unreadBytesMax = 256 * 1024;
const floodRetryAfterSeconds = 1;

export interface SocketParts {
  ctx: Ctx;
  sockets: Sockets;
  typing: TypingNotices;
}

export function createSocketHandler({
  ctx,
  sockets,
  typing,
}: SocketParts): WebSocketHandler<SocketData> {
  const { metrics, tracing } = ctx.telemetry;
  const openTrail = createTrails(ctx.log, ctx.config.logSocketsSample);

  const send = (ws: Socket, frame: ServerFrame) => sendText(ws, metrics, JSON.stringify(frame));

  function begin(ws: Socket, token: string): Promise<void> {
    const opening = authenticate(ws, token).finally(() => {
      ws.data.opening = undefined;
    });
    ws.data.opening = opening;
    return opening;
  }

  async function authenticate(ws: Socket, token: string) {
    try {
      const identity = await identify(ctx, token);
      // Nothing is recorded of what a socket asks for: not every one has to remember what its client calls itself.
      const caller = { ...identity, source: { address: ws.data.address, userAgent: null } };
      const { refusal } = await ctx.rateLimits.take("connects", { userId: caller.id });
      if (ws.readyState !== WebSocket.OPEN) return;
      if (refusal) {
        closeSocket(ws, "rate_limited", refusal.detail);
        return;
      }
      const session = new SocketSession(ws, caller, metrics);
      if (!sockets.claim(ws, session)) {
        closeSocket(ws, "too_many_sockets", "close another socket of this account first");
        return;
      }
      session.follow(await listSessionChats(ctx, caller));
    } catch (error) {
      const problem = problemOf(ws, error);
      if (problem.code === "invalid_token") closeSocket(ws, "invalid_token", problem.detail);
      else closeSocket(ws, "unavailable", problem.detail);
    }
  }

  async function handle(ws: Socket, text: string) {
    if (ws.data.opening) await ws.data.opening;
    if (ws.getBufferedAmount() > unreadBytesMax) await drained(ws);
    if (ws.readyState !== WebSocket.OPEN) return;
    const trace: FrameTrace = { kind: "invalid", chatId: undefined, refusedAs: undefined };
    await tracing.frame(async () => {
      const startedAt = performance.now();
      await run(ws, text, trace);
      note(ws, trace, performance.now() - startedAt);
      return trace;
    });
  }

  function note(ws: Socket, trace: FrameTrace, ms: number) {
    metrics.frameHandled(trace.kind, ms);
    if (trace.refusedAs !== undefined) metrics.frameRefused(trace.refusedAs);
    ws.data.trail?.frame(trace, ms, ws.data.session?.userId);
  }

  async function run(ws: Socket, text: string, trace: FrameTrace) {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      return refuse(ws, {}, new Problem("not_json", "A frame must be one JSON object."), trace);
    }
    const envelope = Envelope.parse(json);
    trace.chatId = envelope.chat_id;
    try {
      if (ctx.lifecycle.closing) {
        throw new Problem("unavailable", "The server is restarting.", { retryAfterSeconds: 2 });
      }
      const frame = readFrame(json);
      trace.kind = frame.type;
      const { session } = ws.data;
      if (session) {
        const reply = await dispatch(ctx, typing, session, frame);
        if (reply) send(ws, reply);
      } else if (frame.type === "auth") {
        await begin(ws, frame.token);
        if (ws.data.session && frame.request_id != null) {
          send(ws, { type: "ack", request_id: frame.request_id });
        }
      } else {
        closeSocket(ws, "invalid_token", "the first frame must be an auth frame");
      }
    } catch (error) {
      refuse(ws, envelope, problemOf(ws, error), trace);
    }
  }

  /** What is no refusal is logged, with the number of the socket. */
  function problemOf(ws: Socket, error: unknown): Problem {
    return error instanceof Problem ? error : asProblem(ws.data.trail?.log ?? ctx.log, error);
  }

  function refuse(
    ws: Socket,
    envelope: { request_id?: RequestId | undefined; chat_id?: number | undefined },
    problem: Problem,
    trace: FrameTrace,
  ) {
    trace.refusedAs = problem.code;
    const frame: z.infer<typeof ErrorFrame> = {
      type: "error",
      code: problem.code,
      detail: problem.detail,
      ...(envelope.request_id === undefined ? {} : { request_id: envelope.request_id }),
      ...(envelope.chat_id === undefined ? {} : { chat_id: envelope.chat_id }),
      ...(problem.retryAfterSeconds === undefined
        ? {}
        : { retry_after: problem.retryAfterSeconds }),
    };
    send(ws, frame);
  }

  /** Refuses a text or some bytes whose turn does not come. */
  function refuseAtOnce(ws: Socket, problem: Problem) {
    const trace: FrameTrace = { kind: "invalid", chatId: undefined, refusedAs: undefined };
    refuse(ws, {}, problem, trace);
    note(ws, trace, 0);
  }

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
      ws.data.trail = openTrail(ws.data.requestId);
      const { refusal } = ws.data;
      if (refusal !== undefined) {
        closeSocket(ws, "rate_limited", refusal);
        return;
      }
      if (!sockets.add(ws)) {
        closeSocket(ws, "too_many_sockets", "close another socket from this address first");
        return;
      }
      const { token } = ws.data;
      if (token === undefined) return;
      ws.data.token = undefined;
      void begin(ws, token);
    },

    message(ws, data) {
      ws.data.alive = true;
      if (typeof data !== "string") {
        refuseAtOnce(ws, new Problem("not_json", "Send text frames, not binary ones."));
        return;
      }
      ws.data.inbox ??= createInbox(
        (text) => handle(ws, text),
        () => {
          ws.data.inbox = undefined;
        },
      );
      const taken = ws.data.inbox.push(data);
      if (taken === "warned") {
        refuseAtOnce(
          ws,
          new Problem("flood", "Frames come faster than they can be handled. Slow down.", {
            retryAfterSeconds: floodRetryAfterSeconds,
          }),
        );
      } else if (taken === "full") {
        ws.data.inbox.close();
        closeSocket(ws, "flood", "too many frames at once");
      }
    },

    drain(ws) {
      if (ws.getBufferedAmount() <= unreadBytesMax) ws.data.drained?.();
    },

    pong(ws) {
      ws.data.alive = true;
    },

    close(ws, code, reason) {
      const end = endOf(ws.data.trail, code, reason);
      metrics.socketClosed(end);
      ws.data.trail?.closed(end, code, ws.data.session?.userId);
      ws.data.inbox?.close();
      ws.data.drained?.();
      sockets.remove(ws);
      const { session } = ws.data;
      if (session)
        for (const chatId of [...session.joined]) ctx.realtime.rooms.leave(chatId, session);
    },
  };
}

/** Settles when the peer has read enough, or is gone. */
async function drained(ws: Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  ws.data.drained = resolve;
  await promise;
  ws.data.drained = undefined;
}

/** @throws Problem `invalid` for anything that is no frame of the contract */
function readFrame(json: unknown): ClientFrame {
  const frame = ClientFrame.safeParse(json);
  if (frame.success) return frame.data;
  throw invalidInput(frame.error);
}
