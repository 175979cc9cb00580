// The port for metrics: the code reports events, and prometheus.ts counts them.
import type { ClientFrame, CloseReason } from "../../wire/frames.ts";
import type { MessageStatus, Usage } from "../../wire/messages.ts";
import type { ProblemCode } from "../../wire/problems.ts";

/**
 * How a socket ended: by a reason of the contract; `dead`, when its peer had been silent; `lost`, without a close frame;
 * `other`, by a code that the contract doesn't have.
 */
export type SocketEnd = CloseReason | "dead" | "lost" | "other";

/** `invalid`: a text that was no frame of the contract. */
export type FrameKind = ClientFrame["type"] | "invalid";

/** `slow_reader`: somebody's buffer was full, and they are cut off. `gap`: a chunk that waited behind too many others. */
export type DropCause = "slow_reader" | "gap";

/** Those whom a published frame is for: people in a room, people who only see it in their list, or one person. */
export type Audience = "chat" | "activity" | "user";

export interface AnswerOutcome {
  status: Exclude<MessageStatus, "streaming"> | "handed_over" | "abandoned";
  /** That was asked, one of the settings' models; undefined where the server answered by itself. */
  model: string | undefined;
  firstChunkMs: number | undefined;
  totalMs: number;
  /** Of this server's part. */
  usage: Usage;
}

/** Read when somebody asks, and not before. */
export interface ServerState {
  socketsOpen(): number;
  rooms(): { open: number; listeners: number; waitingFrames: number };
  answersRunning(): number;
  commitQueue(): number;
  inboxes(): number;
  passwordQueue(): number;
}

/** Each method says what has happened. None of them keeps an id, a text or a token. */
export interface Metrics {
  /** @param route the pattern; undefined where there is none */
  requestEnded(method: string, route: string | undefined, status: number, ms: number): void;
  socketOpened(): void;
  socketClosed(end: SocketEnd): void;
  roomJoined(): void;
  frameHandled(kind: FrameKind, ms: number): void;
  frameRefused(code: ProblemCode): void;
  /** A frame went to all who are subscribed to a topic. */
  framePublished(
    audience: Audience,
    topic: string,
    countSubscribers: (topic: string) => number,
  ): void;
  /** A frame went to one socket. */
  frameSent(): void;
  frameDropped(cause: DropCause): void;
  /** A room's missing frames were read from its log. */
  gapRead(): void;
  /** @param waitedMs of the message that had waited longest */
  groupCommitted(size: number, waitedMs: number, ms: number): void;
  queryBegan(): void;
  queryEnded(ms: number, failed: boolean): void;
  answerEnded(outcome: AnswerOutcome): void;
  /** From now on the gauges show this server. */
  watch(state: ServerState): void;
  /** What a scrape is answered with; undefined where nothing is collected. */
  render(): Promise<{ contentType: string; text: string } | undefined>;
  stop(): void;
}

/** Collects nothing. */
export const noMetrics: Metrics = {
  requestEnded() {},
  socketOpened() {},
  socketClosed() {},
  roomJoined() {},
  frameHandled() {},
  frameRefused() {},
  framePublished() {},
  frameSent() {},
  frameDropped() {},
  gapRead() {},
  groupCommitted() {},
  queryBegan() {},
  queryEnded() {},
  answerEnded() {},
  watch() {},
  render: () => Promise.resolve(undefined),
  stop() {},
};
