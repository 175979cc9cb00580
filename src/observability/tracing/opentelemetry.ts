// Spans with the names of OpenTelemetry's conventions (https://opentelemetry.io/docs/specs/semconv/), sent as OTLP over
// HTTP. Nothing is registered globally: the current span is kept here.
import { AsyncLocalStorage } from "node:async_hooks";
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type Span,
  type SpanOptions,
  type Tracer,
} from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { within } from "../../schedule.ts";
import { createSpanProcessor, type Collector } from "./collector.ts";
import type { AnswerOutcome, FrameOutcome, ModelCall, RequestOutcome, Tracing } from "./tracing.ts";

const flushMs = 2_000;
/** RFC 9110 §9.3 and RFC 5789. The conventions want `_OTHER` for any other method. */
const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

type Header = (name: string) => string | undefined;

export interface TracingOptions extends Collector {
  serviceName: string;
  /** The share of the traces that begin here which is sampled, 0 to 1. */
  sample: number;
  version: string;
}

/** Requests and frames begin traces. A trace that a request's header names is sampled if its caller samples it. */
export class OpenTelemetryTracing implements Tracing {
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;
  readonly #current = new AsyncLocalStorage<Context>();
  readonly #propagator = new W3CTraceContextPropagator();

  constructor(options: TracingOptions) {
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({
        "service.name": options.serviceName,
        "service.version": options.version,
        "service.instance.id": crypto.randomUUID(),
      }),
      sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.sample) }),
      spanProcessors: [createSpanProcessor(options)],
    });
    this.#tracer = this.#provider.getTracer("gemini-coop", options.version);
  }

  async request(
    method: string,
    header: Header,
    work: () => Promise<RequestOutcome>,
  ): Promise<void> {
    const verb = methods.has(method) ? method : "_OTHER";
    const attributes = { "http.request.method": verb, "url.scheme": "http" };
    const options = { kind: SpanKind.SERVER, attributes };
    await this.#run(verb, options, this.#parentOf(header), async (span) => {
      const { route, status } = await work();
      if (route !== undefined) {
        span.updateName(`${verb} ${route}`);
        span.setAttribute("http.route", route);
      }
      span.setAttribute("http.response.status_code", status);
      if (status >= 500) fail(span, String(status));
    });
  }

  async frame(work: () => Promise<FrameOutcome>): Promise<void> {
    await this.#run("socket frame", { kind: SpanKind.SERVER }, ROOT_CONTEXT, async (span) => {
      const { kind, chatId, refusedAs } = await work();
      span.updateName(`socket ${kind}`);
      span.setAttribute("gemini_coop.frame.type", kind);
      if (chatId !== undefined) span.setAttribute("gemini_coop.chat.id", chatId);
      if (refusedAs === undefined) return;
      span.setAttribute("gemini_coop.problem", refusedAs);
      if (refusedAs === "internal" || refusedAs === "unavailable") fail(span, refusedAs);
    });
  }

  commit<T>(work: () => Promise<T>): Promise<T> {
    const attributes = { "db.system.name": "postgresql", "db.operation.name": "INSERT" };
    return this.#run("group commit", { kind: SpanKind.CLIENT, attributes }, this.#parent, work);
  }

  async answer(work: () => Promise<AnswerOutcome>): Promise<void> {
    await this.#run("answer", {}, this.#parent, async (span) => {
      const { chatId, status } = await work();
      span.setAttribute("gemini_coop.chat.id", chatId);
      span.setAttribute("gemini_coop.answer.status", status);
      if (status === "failed") fail(span, status);
    });
  }

  modelCall(model: string): ModelCall {
    const attributes = {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "gcp.gemini",
      "gen_ai.request.model": model,
    };
    const options = { kind: SpanKind.CLIENT, attributes };
    const span = this.#tracer.startSpan(`chat ${model}`, options, this.#parent);
    return {
      firstChunk: () => void span.addEvent("first chunk"),
      ended(usage, failure) {
        if (usage) {
          span.setAttribute("gen_ai.usage.input_tokens", usage.prompt_tokens);
          const { answer_tokens, thoughts_tokens } = usage;
          span.setAttribute("gen_ai.usage.output_tokens", answer_tokens + thoughts_tokens);
        }
        if (failure !== undefined) fail(span, failure);
        span.end();
      },
    };
  }

  async stop(): Promise<void> {
    await within(
      flushMs,
      this.#provider.shutdown().catch(() => undefined),
    );
  }

  /** The context of the span that is running. */
  get #parent(): Context {
    return this.#current.getStore() ?? ROOT_CONTEXT;
  }

  #parentOf(header: Header): Context {
    return this.#propagator.extract(ROOT_CONTEXT, header, {
      get: (read, name) => read(name),
      keys: () => ["traceparent", "tracestate"],
    });
  }

  async #run<T>(
    name: string,
    options: SpanOptions,
    parent: Context,
    work: (span: Span) => Promise<T>,
  ): Promise<T> {
    const span = this.#tracer.startSpan(name, options, parent);
    try {
      return await this.#current.run(trace.setSpan(parent, span), work, span);
    } catch (error) {
      fail(span, error instanceof Error ? error.name : "_OTHER");
      throw error;
    } finally {
      span.end();
    }
  }
}

/** Records the kind of an error only: its message may quote private data. */
function fail(span: Span, kind: string) {
  span.setAttribute("error.type", kind);
  span.setStatus({ code: SpanStatusCode.ERROR });
}
