// Sends spans to the collector, in batches and through a bounded queue. While it is away spans are lost, and nothing else.
import { ExportResultCode, type ExportResult } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import {
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace";
import type { Logger } from "pino";

/** Spans that may wait; further ones are dropped. */
const queueMax = 2_048;
const batchMax = 512;
const batchDelayMs = 2_000;
/** Milliseconds for one batch, with all retries. */
const exportTimeoutMs = 5_000;
const warningEveryMs = 60_000;

export interface Collector {
  /** Without `/v1/traces`. */
  endpoint: string;
  headers: Readonly<Record<string, string>>;
  log: Logger;
}

export function createSpanProcessor({ endpoint, headers, log }: Collector): SpanProcessor {
  const exporter = new OTLPTraceExporter({
    // https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp
    url: `${endpoint.replace(/\/$/, "")}/v1/traces`,
    headers: { ...headers },
    timeoutMillis: exportTimeoutMs,
  });
  return new BatchSpanProcessor({
    exporter: withWarnings(exporter, log),
    maxQueueSize: queueMax,
    maxExportBatchSize: batchMax,
    scheduledDelayMillis: batchDelayMs,
    exportTimeoutMillis: exportTimeoutMs + 1_000,
  });
}

/** Warns the operator when the collector takes no spans, at most once a minute. */
function withWarnings(exporter: SpanExporter, log: Logger): SpanExporter {
  let lostSpans = 0;
  let warnedAt = -Infinity;

  function lose(count: number, error: Error | undefined) {
    lostSpans += count;
    if (performance.now() - warnedAt < warningEveryMs) return;
    warnedAt = performance.now();
    const code = error && "code" in error ? error.code : undefined;
    log.warn({ code, lostSpans }, "the OpenTelemetry collector does not take spans");
    lostSpans = 0;
  }

  return {
    export(spans: ReadableSpan[], done: (result: ExportResult) => void) {
      exporter.export(spans, (result) => {
        if (result.code === ExportResultCode.FAILED) lose(spans.length, result.error);
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}
