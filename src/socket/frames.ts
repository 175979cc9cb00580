// Runs the frames of sockets: from a text that came in to the action that it asks for, and back to the reply.
import type { Ctx } from "../context.ts";
import type { TypingNotices } from "../messages/typing.ts";
import type { Presence } from "../presence/presence.ts";
import type { StoreReaction } from "../reactions/commit.ts";
import type { ReadNotices } from "../receipts/notices.ts";
import { ClientFrame, Envelope, type RequestId } from "../wire/client-frames.ts";
import type { ErrorFrame } from "../wire/frames.ts";
import type { ServerFrame } from "../wire/server-frames.ts";
import { invalidInput, Problem } from "../wire/problems.ts";
import { dispatch } from "./dispatch.ts";
import { openSession, socketProblem } from "./opening.ts";
import type { SocketRegistry } from "./registry.ts";
import { closeSocket, sendText } from "./sending.ts";
import type { Socket } from "./session.ts";
import type { FrameTrace } from "./socket-log.ts";
import type { z } from "zod";

/**
 * Bytes that may wait for a peer before its next frame is run. A client that asks for more than it reads at once, such as
 * the replays of many rooms, gets it at the speed at which it reads; only the frames of others may run past the
 * `backpressureBytesMax` of session.ts.
 */
export const unreadBytesMax = 256 * 1024;

/** The objects that sockets need from compose.ts. */
export interface SocketParts {
  ctx: Ctx;
  sockets: SocketRegistry;
  typing: TypingNotices;
  presence: Presence;
  storeReaction: StoreReaction;
  receipts: ReadNotices;
}

export class FrameRunner {
  readonly #parts: SocketParts;

  constructor(parts: SocketParts) {
    this.#parts = parts;
  }

  /** Runs one frame. Never throws. */
  async run(ws: Socket, text: string): Promise<void> {
    // A join begins while the session is being looked up, so that one statement reads both. It ends after that.
    const isEarly = ws.data.session !== undefined && text.startsWith('{"type":"join"');
    if (!isEarly && ws.data.opening) await ws.data.opening;
    if (ws.getBufferedAmount() > unreadBytesMax) {
      await drained(ws);
      ws.data.inbox?.goOn();
    }
    if (ws.readyState !== WebSocket.OPEN) return;
    const trace: FrameTrace = { kind: "invalid", chatId: undefined, refusedAs: undefined };
    await this.#parts.ctx.telemetry.tracing.frame(async () => {
      const startedAt = performance.now();
      await this.#handle(ws, text, trace);
      this.#note(ws, trace, performance.now() - startedAt);
      return trace;
    });
  }

  /** Refuses a text or some bytes that are not run. */
  refuse(ws: Socket, problem: Problem): void {
    const trace: FrameTrace = { kind: "invalid", chatId: undefined, refusedAs: undefined };
    this.#sendError(ws, {}, problem, trace);
    this.#note(ws, trace, 0);
  }

  async #handle(ws: Socket, text: string, trace: FrameTrace): Promise<void> {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      const problem = new Problem("not_json", "A frame must be one JSON object.");
      return this.#sendError(ws, {}, problem, trace);
    }
    try {
      if (this.#parts.ctx.lifecycle.closing) {
        throw new Problem("unavailable", "The server is restarting.", { retryAfterSeconds: 2 });
      }
      const frame = readFrame(json);
      trace.kind = frame.type;
      if ("chat_id" in frame) trace.chatId = frame.chat_id;
      await this.#act(ws, frame);
    } catch (error) {
      if (ws.data.opening) await ws.data.opening;
      const envelope = Envelope.parse(json);
      trace.chatId = envelope.chat_id;
      this.#sendError(ws, envelope, socketProblem(this.#parts.ctx, ws, error), trace);
    }
  }

  /** @throws Problem for a frame that is refused */
  async #act(ws: Socket, frame: ClientFrame): Promise<void> {
    const { ctx, sockets } = this.#parts;
    // A text that looks like a join may be another frame, which needs a session that is known to go on.
    if (frame.type !== "join" && ws.data.opening) await ws.data.opening;
    if (ws.readyState !== WebSocket.OPEN) return;
    const { session } = ws.data;
    if (session) {
      const reply = await dispatch(this.#parts, session, frame);
      if (reply) this.#send(ws, reply);
    } else if (frame.type === "auth") {
      await openSession(ctx, sockets, ws, frame.token, { isInAddress: false });
      if (ws.data.session && frame.request_id != null) {
        this.#send(ws, { type: "ack", request_id: frame.request_id });
      }
    } else {
      closeSocket(ws, "invalid_token", "the first frame must be an auth frame");
    }
  }

  #sendError(
    ws: Socket,
    envelope: { request_id?: RequestId | undefined; chat_id?: number | undefined },
    problem: Problem,
    trace: FrameTrace,
  ): void {
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
    this.#send(ws, frame);
  }

  #send(ws: Socket, frame: ServerFrame): void {
    // Together with what was published to the socket before, above all the sender's own message: one write instead of two.
    ws.cork(() => sendText(ws, this.#parts.ctx.telemetry.metrics, JSON.stringify(frame)));
  }

  #note(ws: Socket, trace: FrameTrace, ms: number): void {
    const { metrics } = this.#parts.ctx.telemetry;
    metrics.frameHandled(trace.kind, ms);
    if (trace.refusedAs !== undefined) metrics.frameRefused(trace.refusedAs);
    ws.data.log?.frame(trace, ms, ws.data.session?.userId);
  }
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
