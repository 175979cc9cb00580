// What the server tells of one request's or one frame's way. The rest of the code says what begins and what came of it;
// opentelemetry.ts makes spans of it, and is loaded only where they are sent to somebody.
import type { FrameKind } from "../metrics/metrics.ts";
import type { Usage } from "../../wire/messages.ts";
import type { ProblemCode } from "../../wire/problems.ts";

export interface RequestOutcome {
  /** The pattern; undefined where there is none. */
  route: string | undefined;
  status: number;
}

export interface FrameOutcome {
  kind: FrameKind;
  chatId: number | undefined;
  refusedAs: ProblemCode | undefined;
}

export interface AnswerOutcome {
  chatId: number;
  status: string;
}

/** One question to a model. */
export interface ModelCall {
  /** The first words of the answer have come. */
  firstChunk(): void;
  /** @param failure what kind of error it was; undefined where there was none */
  ended(usage: Usage | undefined, failure: string | undefined): void;
}

/** What is told has no text of people, no token, and no path as it was asked for. What is begun within work is part of it. */
export interface Tracing {
  /** @param header reads one of the request's, which may say what trace it is part of: https://www.w3.org/TR/trace-context/ */
  request(
    method: string,
    header: (name: string) => string | undefined,
    work: () => Promise<RequestOutcome>,
  ): Promise<void>;
  frame(work: () => Promise<FrameOutcome>): Promise<void>;
  /** A message's part in a group commit, its wait included. */
  commit<T>(work: () => Promise<T>): Promise<T>;
  /** An answer from its first frame to its last. */
  answer(work: () => Promise<AnswerOutcome>): Promise<void>;
  modelCall(model: string): ModelCall;
  /** Sends what is left, for some seconds at most. */
  stop(): Promise<void>;
}

/** Tells nobody anything. */
export const noTracing: Tracing = {
  request: (_method, _header, work) => work().then(() => undefined),
  frame: (work) => work().then(() => undefined),
  commit: (work) => work(),
  answer: (work) => work().then(() => undefined),
  modelCall: () => noCall,
  stop: () => Promise.resolve(),
};

const noCall: ModelCall = { firstChunk() {}, ended() {} };
