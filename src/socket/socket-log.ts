// The log lines of sockets: one when a socket opens, one for each of its frames, one when it closes. They are at `debug`
// for most sockets and at `info` for a sample, so that whole conversations can be read without a flood of lines. Refusals
// are at `info` for every socket. No line has anything of a frame's content.
import type { Logger } from "pino";
import type { FrameKind, SocketEnd } from "../observability/metrics/metrics.ts";
import type { ProblemCode } from "../wire/problems.ts";

/** Refusals of one socket that are logged at `info`. A client that sends only errors must not fill the disk; the last line has their number. */
const refusalLinesMax = 100;

/** Ends by which the server refused the client something. */
const refusing = new Set<SocketEnd>([
  "invalid_token",
  "flood",
  "too_large",
  "too_slow",
  "too_many_sockets",
  "rate_limited",
  "protocol_error",
  "not_utf8",
  "unavailable",
]);

/** Bun's reasons for closing by itself with 1009 and 1007; its other reasons are violations of RFC 6455, with 1002. */
const closedByBun = new Map<string, SocketEnd>([
  ["Received too big message", "too_large"],
  ["Received invalid UTF-8", "not_utf8"],
]);

/**
 * How a socket has ended: as the server noted, or else as the close frame says.
 * @param code RFC 6455 §7.4.1: 1005 and 1006 stand for no close frame with a code
 */
export function endOf(log: SocketLog | undefined, code: number, reason: string): SocketEnd {
  if (log?.endedBy) return log.endedBy;
  if (code === 1000 || code === 1001 || code === 1005) return "bye";
  if (code === 1006 && reason.startsWith("Received ")) {
    return closedByBun.get(reason) ?? "protocol_error";
  }
  if (code === 1006) return "lost";
  return "other";
}

export interface FrameTrace {
  kind: FrameKind;
  chatId: number | undefined;
  refusedAs: ProblemCode | undefined;
}

/** Numbers the sockets of this process and chooses the sample. */
export class SocketLogs {
  readonly #logger: Logger;
  readonly #sample: number;
  #count = 0;

  /** @param sample share of the sockets that are logged at `info`: 0.25 logs the fourth, the eighth, … */
  constructor(logger: Logger, sample: number) {
    this.#logger = logger;
    this.#sample = sample;
  }

  open(requestId: string | undefined): SocketLog {
    this.#count += 1;
    const isSampled =
      Math.floor(this.#count * this.#sample) > Math.floor((this.#count - 1) * this.#sample);
    const log = new SocketLog(this.#logger, this.#count, isSampled ? "info" : "debug");
    log.opened(requestId);
    return log;
  }
}

export class SocketLog {
  /** The reason for which this server closed the socket; undefined while it did not. */
  endedBy: SocketEnd | undefined;
  readonly #logger: Logger;
  /** Number of the socket in this process, from 1. */
  readonly #socket: number;
  /** Level of lines that report no refusal. */
  readonly #level: "info" | "debug";
  #frames = 0;
  #refused = 0;

  constructor(logger: Logger, socket: number, level: "info" | "debug") {
    this.#logger = logger;
    this.#socket = socket;
    this.#level = level;
  }

  /** For errors of this socket. */
  get logger(): Logger {
    return this.#logger.child({ socket: this.#socket });
  }

  opened(requestId: string | undefined): void {
    this.#logger[this.#level]({ socket: this.#socket, requestId }, "socket opened");
  }

  frame({ kind, chatId, refusedAs }: FrameTrace, ms: number, userId: number | undefined): void {
    this.#frames += 1;
    if (refusedAs !== undefined) this.#refused += 1;
    const isReported = refusedAs !== undefined && this.#refused <= refusalLinesMax;
    const level = isReported ? "info" : this.#level;
    if (!this.#logger.isLevelEnabled(level)) return;
    const outcome = refusedAs ?? "ok";
    this.#logger[level](
      { socket: this.#socket, userId, type: kind, chatId, outcome, ms: Math.round(ms) },
      "frame",
    );
  }

  closed(end: SocketEnd, code: number, userId: number | undefined): void {
    const [frames, refused] = [this.#frames, this.#refused];
    const isReported = refusing.has(end) || refused > refusalLinesMax;
    this.#logger[isReported ? "info" : this.#level](
      { socket: this.#socket, userId, reason: end, code, frames, refused },
      "socket closed",
    );
  }
}
