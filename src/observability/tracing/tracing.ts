// The port for traces: the code reports the beginning and the outcome of its work, and opentelemetry.ts makes spans of it.
import type { FrameKind } from "../metrics/metrics.ts";
import type { Usage } from "../../wire/messages.ts";
import type { ProblemCode } from "../../wire/problems.ts";

export interface RequestOutcome {
  /** The pattern; undefined where no route matched. */
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

/** One request to a model. */
export interface ModelCall {
  /** The first text of the answer has come. */
  firstChunk(): void;
  /** @param failure the kind of error; undefined where there was none */
  ended(usage: Usage | undefined, failure: string | undefined): void;
}

/** Spans have no text of people, no token and no path with its values. Spans that begin within `work` are its children. */
export interface Tracing {
  /** @param header reads a request header, for the trace that it is part of: https://www.w3.org/TR/trace-context/ */
  request(
    method: string,
    header: (name: string) => string | undefined,
    work: () => Promise<RequestOutcome>,
  ): Promise<void>;
  frame(work: () => Promise<FrameOutcome>): Promise<void>;
  /** A message's group commit, its wait included. */
  commit<T>(work: () => Promise<T>): Promise<T>;
  /** An answer from its first frame to its last. */
  answer(work: () => Promise<AnswerOutcome>): Promise<void>;
  modelCall(model: string): ModelCall;
  /** Sends the remaining spans, for a few seconds at most. */
  stop(): Promise<void>;
}

/** Makes no spans. */
export const noTracing: Tracing = {
  request: (_method, _header, work) => work().then(() => undefined),
  frame: (work) => work().then(() => undefined),
  commit: (work) => work(),
  answer: (work) => work().then(() => undefined),
  modelCall: () => noCall,
  stop: () => Promise.resolve(),
};

const noCall: ModelCall = { firstChunk() {}, ended() {} };
