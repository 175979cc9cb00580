// The port for metrics: the code reports events, and prometheus.ts counts them.
import type { ClientFrame } from "../../wire/client-frames.ts";
import type { CloseReason } from "../../wire/close-codes.ts";
import type { MessageStatus, Usage } from "../../wire/messages.ts";
import type { ProblemCode } from "../../wire/problems.ts";

/**
 * How a socket ended: by a reason of the contract; `dead`: its peer had been silent; `lost`: without a close frame;
 * `other`: with a code that the contract doesn't have.
 */
export type SocketEnd = CloseReason | "dead" | "lost" | "other";

/** `invalid`: a text that was no frame of the contract. */
export type FrameKind = ClientFrame["type"] | "invalid";

/** `slow_reader`: the buffer of a socket was full, and it is closed. `gap`: too many chunks waited behind a missing number. */
export type DropCause = "slow_reader" | "gap";

/** The receivers of a published frame: people in a room, people who only see it in their list, or one person. */
export type Audience = "chat" | "activity" | "user";

export interface AnswerOutcome {
  status: Exclude<MessageStatus, "streaming"> | "handed_over" | "abandoned";
  /** One of the settings' models; undefined where the server answered by itself. */
  model: string | undefined;
  firstChunkMs: number | undefined;
  totalMs: number;
  /** The usage of this server's part of the answer. */
  usage: Usage;
}

export type MailOutcome = "sent" | "failed";
export type WebhookOutcome = "delivered" | "failed" | "retried" | "skipped";
export type PushOutcome = "sent" | "unneeded" | "gone" | "failed";
export type JobOutcome = "done" | "retried" | "dead";

/** Gauges. They are read when the metrics are scraped. */
export interface ServerState {
  socketsOpen(): number;
  rooms(): { open: number; listeners: number; waitingFrames: number };
  answersRunning(): number;
  commitQueue(): number;
  reactionQueue(): number;
  inboxes(): number;
  passwordQueue(): number;
  /** The age of the oldest message that was indexed last; 0 where another server fills the index. */
  searchLagMs(): number;
  /** Jobs of all servers that wait or run, those that were given up, and for how long the oldest has been due. Some seconds old. */
  jobs(): { waiting: number; dead: number; lateMs: number };
  /** Whether the bus between servers is there, and the subjects that this server has subscribed to; undefined without a bus. */
  bus(): { isUp: boolean; subscriptions: number } | undefined;
}

/** Each method reports an event. None of them keeps an id, a text or a token. */
export interface Metrics {
  /** @param route the pattern; undefined where no route matched */
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
  /** @param waitedMs the wait of the message that had waited longest */
  groupCommitted(size: number, waitedMs: number, ms: number): void;
  queryBegan(): void;
  queryEnded(ms: number, failed: boolean): void;
  answerEnded(outcome: AnswerOutcome): void;
  /** @param size bytes of an upload that was stored */
  uploadEnded(outcome: "stored" | ProblemCode, size?: number): void;
  /** Files were removed from the store. */
  filesRemoved(count: number): void;
  /** An upload that was scanned for malware; `failed` if the scanner was away. */
  fileScanned(outcome: "clean" | "infected" | "too_large" | "failed"): void;
  /** A picture that the model has made for an answer. */
  pictureEnded(outcome: "stored" | "failed"): void;
  /** A file was sent to the provider of the model, or its copy there was removed. */
  modelCopyEnded(kind: "sent" | "removed", outcome: "ok" | "failed"): void;
  /** A try to transcribe a voice message. */
  transcriptionEnded(
    outcome: "transcribed" | "silent" | "over_budget" | "refused" | "failed",
  ): void;
  /** Messages were added to the index of the searches, or replaced there. */
  messagesIndexed(count: number): void;
  indexingFailed(): void;
  /** The bus between servers cannot be reached any more. */
  busWentAway(): void;
  busSent(bytes: number): void;
  busReceived(bytes: number): void;
  /** A message of the bus was not one that a server of this version sends. */
  busRefused(): void;
  /** The work that ends in a mail is done, or was given up. */
  mailEnded(outcome: MailOutcome): void;
  /** A browser has rung, need not ring any more, has unsubscribed, or could not be reached. */
  pushEnded(outcome: PushOutcome): void;
  /** This server runs jobs of a kind. */
  jobsHandled(kind: string): void;
  /** A job is done, will be tried again, or was given up. */
  jobEnded(kind: string, outcome: JobOutcome): void;
  /** A try to tell a webhook of an event. */
  webhookTried(outcome: WebhookOutcome): void;
  webhookTurnedOff(): void;
  /** From now on the gauges show this server. */
  watch(state: ServerState): void;
  /** The answer to a scrape; undefined where nothing is collected. */
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
  uploadEnded() {},
  filesRemoved() {},
  fileScanned() {},
  pictureEnded() {},
  modelCopyEnded() {},
  transcriptionEnded() {},
  messagesIndexed() {},
  indexingFailed() {},
  busWentAway() {},
  busSent() {},
  busReceived() {},
  busRefused() {},
  mailEnded() {},
  pushEnded() {},
  jobsHandled() {},
  jobEnded() {},
  webhookTried() {},
  webhookTurnedOff() {},
  watch() {},
  render: () => Promise.resolve(undefined),
  stop() {},
};
