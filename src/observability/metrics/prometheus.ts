// The metrics in Prometheus' format. Names and units follow https://prometheus.io/docs/practices/naming/. Labels have only
// values from the code or the settings, so that the number of series is bounded.
import { Gauge, Registry, type Histogram } from "prom-client";
import { createAnswerMetrics } from "./answer-metrics.ts";
import { createBusMetrics } from "./bus-metrics.ts";
import { createFileMetrics } from "./file-metrics.ts";
import { createFrameMetrics, createSocketMetrics } from "./frame-metrics.ts";
import { registerProcess, registerState, watchEventLoop } from "./gauges.ts";
import { createBound, createHistogram, prefix } from "./histograms.ts";
import { createJobMetrics } from "./job-metrics.ts";
import type { Metrics, ServerState } from "./metrics.ts";
import { createCount, createTally } from "./tally.ts";

/** Any other method that a client writes is counted as `other`. */
const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

export function createPrometheusMetrics(version: string): Metrics {
  const registry = new Registry();
  let state: ServerState | undefined;
  registerState(registry, () => state);
  registerProcess(registry, version);
  const stopWatching = watchEventLoop(registry);
  return {
    ...createHttpMetrics(registry),
    ...createSocketMetrics(registry),
    ...createFrameMetrics(registry),
    ...createDatabaseMetrics(registry),
    ...createAnswerMetrics(registry),
    ...createFileMetrics(registry),
    ...createSearchMetrics(registry),
    ...createBusMetrics(registry, () => state),
    ...createMailMetrics(registry),
    ...createPushMetrics(registry),
    ...createJobMetrics(registry, () => state),
    watch(server) {
      state = server;
    },
    render: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
    stop: stopWatching,
  };
}

function createHttpMetrics(registry: Registry): Pick<Metrics, "requestEnded"> {
  const duration = createHistogram(registry, {
    name: "http_request_duration_seconds",
    help: "HTTP requests, by the pattern of their route; none: no route matched",
    labels: ["method", "route", "status"],
  });
  const known = new Map<string, Histogram.Internal<string>>();
  return {
    requestEnded(method, route = "none", status, ms) {
      const verb = methods.has(method) ? method : "other";
      const child = known.getOrInsertComputed(`${verb} ${route} ${status}`, () =>
        duration.labels(verb, route, String(status)),
      );
      child.observe(ms / 1000);
    },
  };
}

function createSearchMetrics(
  registry: Registry,
): Pick<Metrics, "messagesIndexed" | "indexingFailed"> {
  return {
    messagesIndexed: createCount(registry, {
      name: `${prefix}search_messages_indexed_total`,
      help: "Messages that were added to the index of the searches, or replaced there",
    }),
    indexingFailed: createCount(registry, {
      name: `${prefix}search_indexing_failures_total`,
      help: "Passes of the worker that fills the index of the searches that have failed",
    }),
  };
}

function createMailMetrics(registry: Registry): Pick<Metrics, "mailEnded"> {
  const ended = createTally(
    registry,
    {
      name: `${prefix}mails_total`,
      help: "Mails that were sent, or given up after the last try",
      label: "outcome",
    },
    ["sent", "failed"],
  );
  return { mailEnded: (outcome) => ended.add(outcome) };
}

function createPushMetrics(registry: Registry): Pick<Metrics, "pushEnded"> {
  const ended = createTally(
    registry,
    {
      name: `${prefix}push_messages_total`,
      help: "Push messages that a push service has taken, that were not needed any more, whose browser is gone, or that were given up",
      label: "outcome",
    },
    ["sent", "unneeded", "gone", "failed"],
  );
  return { pushEnded: (outcome) => ended.add(outcome) };
}

function createDatabaseMetrics(
  registry: Registry,
): Pick<Metrics, "groupCommitted" | "queryBegan" | "queryEnded"> {
  const size = createHistogram(registry, {
    name: "commit_group_size_messages",
    help: "Messages that are committed together",
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
  });
  const wait = createHistogram(registry, {
    name: "commit_wait_seconds",
    help: "Wait of the first message of a group for the group before",
  });
  const duration = createHistogram(registry, {
    name: "commit_duration_seconds",
    help: "Duration of a group's statement",
  });
  let inFlight = 0;
  new Gauge({
    name: `${prefix}database_queries_in_flight`,
    help: "Statements that have not ended: at the database, or waiting for a connection",
    registers: [registry],
    collect() {
      this.set(inFlight);
    },
  });
  const query = createBound(
    createHistogram(registry, {
      name: "database_query_duration_seconds",
      help: "Duration of statements, including their wait for a connection",
      labels: ["outcome"],
    }),
    ["ok", "failed"],
  );
  return {
    groupCommitted(count, waitedMs, ms) {
      size.observe(count);
      wait.observe(waitedMs / 1000);
      duration.observe(ms / 1000);
    },
    queryBegan() {
      inFlight += 1;
    },
    queryEnded(ms, failed) {
      inFlight -= 1;
      query(failed ? "failed" : "ok").observe(ms / 1000);
    },
  };
}
