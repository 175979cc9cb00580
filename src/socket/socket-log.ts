// What a socket leaves in the log: a line when it opens, one for each of its frames, one when it closes. Of most sockets
// these are at `debug`; of every so many at `info`, whole, so that a room's life can be read without a flood of lines.
// What was refused is at `info` whosever it is. No line has a word of what a frame says.
import type { Logger } from "pino";
import type { FrameKind, SocketEnd } from "../observability/metrics/metrics.ts";
import type { ProblemCode } from "../wire/problems.ts";

/** Of one socket, at `info`. Who sends nothing but errors must not fill the disk; the last line has their number. */
const refusalLinesMax = 100;

/** Ends that the server has refused something with. */
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

/** Bun's words for frames that it closes for by itself, with 1009 and 1007; all others are against RFC 6455, with 1002. */
const closedByBun = new Map<string, SocketEnd>([
  ["Received too big message", "too_large"],
  ["Received invalid UTF-8", "not_utf8"],
]);

/**
 * How a socket has ended: as was said here, or as its close frame says.
 * @param code RFC 6455 §7.4.1: 1005 and 1006 are no codes of a frame
 */
export function endOf(trail: SocketTrail | undefined, code: number, reason: string): SocketEnd {
  if (trail?.endedBy) return trail.endedBy;
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

/** @param share of the sockets that are followed at `info`: 0.25 follows the fourth, the eighth, … */
export function createTrails(log: Logger, share: number) {
  let count = 0;
  return (requestId: string): SocketTrail => {
    count += 1;
    const isFollowed = Math.floor(count * share) > Math.floor((count - 1) * share);
    const trail = new SocketTrail(log, count, isFollowed);
    log[trail.level]({ socket: count, requestId }, "socket opened");
    return trail;
  };
}

export class SocketTrail {
  /** Who closed it, and why; undefined while nobody here did. */
  endedBy: SocketEnd | undefined;
  private frames = 0;
  private refused = 0;

  constructor(
    private readonly parent: Logger,
    /** Of this process, from 1. */
    private readonly socket: number,
    private readonly isFollowed: boolean,
  ) {}

  /** Of lines about nothing bad. */
  get level() {
    return this.isFollowed ? "info" : "debug";
  }

  /** For what goes wrong on this socket. */
  get log(): Logger {
    return this.parent.child({ socket: this.socket });
  }

  frame({ kind, chatId, refusedAs }: FrameTrace, ms: number, userId: number | undefined) {
    this.frames += 1;
    if (refusedAs !== undefined) this.refused += 1;
    const isTold = refusedAs !== undefined && this.refused <= refusalLinesMax;
    const level = isTold ? "info" : this.level;
    if (!this.parent.isLevelEnabled(level)) return;
    const outcome = refusedAs ?? "ok";
    const { socket } = this;
    this.parent[level](
      { socket, userId, type: kind, chatId, outcome, ms: Math.round(ms) },
      "frame",
    );
  }

  closed(end: SocketEnd, code: number, userId: number | undefined) {
    const { socket, frames, refused } = this;
    const isTold = refusing.has(end) || refused > refusalLinesMax;
    this.parent[isTold ? "info" : this.level](
      { socket, userId, reason: end, code, frames, refused },
      "socket closed",
    );
  }
}
