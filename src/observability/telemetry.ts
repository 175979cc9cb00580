// Metrics and traces behind one port. The libraries behind it are loaded only where somebody reads what they collect.
import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import { noMetrics, type Metrics } from "./metrics/metrics.ts";
import { noTracing, type Tracing } from "./tracing/tracing.ts";

export interface Telemetry {
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  /** Sends what is left, for a few seconds at most. */
  stop(): Promise<void>;
}

/** Collects nothing. */
export const noTelemetry: Telemetry = {
  metrics: noMetrics,
  tracing: noTracing,
  stop: () => Promise.resolve(),
};

/** Collects metrics where METRICS_TOKEN is set, and traces where OTEL_EXPORTER_OTLP_ENDPOINT is set. */
export async function loadTelemetry(config: Config, log: Logger): Promise<Telemetry> {
  const metrics = await loadMetrics(config);
  const tracing = await loadTracing(config, log);
  return {
    metrics,
    tracing,
    async stop() {
      metrics.stop();
      await tracing.stop();
    },
  };
}

async function loadMetrics(config: Config): Promise<Metrics> {
  if (config.metricsToken === undefined) return noMetrics;
  const { createPrometheusMetrics } = await import("./metrics/prometheus.ts");
  return createPrometheusMetrics(config.version);
}

async function loadTracing(config: Config, log: Logger): Promise<Tracing> {
  if (config.tracing === undefined) return noTracing;
  const { OpenTelemetryTracing } = await import("./tracing/opentelemetry.ts");
  return new OpenTelemetryTracing({ ...config.tracing, version: config.version, log });
}
