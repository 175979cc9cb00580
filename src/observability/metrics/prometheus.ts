// The metrics as Prometheus reads them. Names and units as https://prometheus.io/docs/practices/naming/ asks; labels
// have only values that stand in the code or in the settings, so that the number of series has an end.
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { ClientFrame, closeCodes } from "../../wire/frames.ts";
import { MessageStatus } from "../../wire/messages.ts";
import { problemCatalogue } from "../../wire/problems.ts";
import { registerProcess, registerState, watchEventLoop } from "./gauges.ts";
import type { Metrics, ServerState } from "./metrics.ts";
import { createCount, createTally } from "./tally.ts";

const prefix = "gemini_coop_";

/** Whatever else a client writes there is `other`. */
const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** In seconds: of what the server and its database do, and of what a model does. */
const briefBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const longBuckets = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 60, 120, 300];
const sizeBuckets = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000];

interface HistogramOptions<Label extends string> {
  name: string;
  help: string;
  labels?: Label[];
  buckets?: number[];
}

function createHistogram<Label extends string = never>(
  registry: Registry,
  { name, help, labels = [], buckets = briefBuckets }: HistogramOptions<Label>,
): Histogram<Label> {
  return new Histogram({
    name: prefix + name,
    help,
    labelNames: labels,
    buckets,
    registers: [registry],
  });
}

/** The part of a histogram that has a label's value. It is bound once, since prom-client makes a string to find it. */
function createBound(histogram: Histogram, values: readonly string[]) {
  const children = new Map(values.map((value) => [value, histogram.labels(value)]));
  return (value: string) => children.get(value) ?? histogram.labels(value);
}

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
    help: "HTTP requests, by the pattern of their route; none: no such path",
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

function createSocketMetrics(
  registry: Registry,
): Pick<Metrics, "socketOpened" | "socketClosed" | "roomJoined"> {
  const socketOpened = createCount(registry, {
    name: `${prefix}sockets_opened_total`,
    help: "Sockets that were opened",
  });
  const closed = createTally(
    registry,
    {
      name: `${prefix}sockets_closed_total`,
      help: "Sockets that were closed, by the contract's reason; lost: without a close frame; dead: silent",
      label: "reason",
    },
    [...Object.keys(closeCodes), "dead", "lost", "other"],
  );
  const roomJoined = createCount(registry, {
    name: `${prefix}room_joins_total`,
    help: "Joins of rooms that succeeded",
  });
  return {
    socketOpened: () => socketOpened(),
    socketClosed: (end) => closed.add(end),
    roomJoined: () => roomJoined(),
  };
}

type FrameMetrics = Pick<
  Metrics,
  "frameHandled" | "frameRefused" | "framePublished" | "frameSent" | "frameDropped" | "gapRead"
>;

function createFrameMetrics(registry: Registry): FrameMetrics {
  const kinds = ClientFrame.options.map((frame) => frame.shape.type.value);
  const handled = createBound(
    createHistogram(registry, {
      name: "frame_duration_seconds",
      help: "Frames of clients, from the turn of each to its end",
      labels: ["type"],
    }),
    [...kinds, "invalid"],
  );
  const refused = createTally(
    registry,
    {
      name: `${prefix}frames_refused_total`,
      help: "Frames of clients that were answered with an error",
      label: "code",
    },
    Object.keys(problemCatalogue),
  );
  const fanOut = createBound(
    createHistogram(registry, {
      name: "frame_fan_out_sockets",
      help: "Sockets that a published frame goes to",
      labels: ["topic"],
      buckets: sizeBuckets,
    }),
    ["chat", "activity", "user"],
  );
  const sent = createCount(registry, {
    name: `${prefix}frames_sent_total`,
    help: "Frames to sockets, one for each that it goes to",
  });
  const dropped = createTally(
    registry,
    {
      name: `${prefix}frames_dropped_total`,
      help: "slow_reader: published, and did not fit into somebody's buffer; gap: chunks that could wait no longer",
      label: "cause",
    },
    ["slow_reader", "gap"],
  );
  const gapRead = createCount(registry, {
    name: `${prefix}room_gaps_read_total`,
    help: "Reads of a room's log for frames that did not come in time",
  });
  return {
    frameHandled: (kind, ms) => handled(kind).observe(ms / 1000),
    frameRefused: (code) => refused.add(code),
    framePublished(audience, topic, countSubscribers) {
      const count = countSubscribers(topic);
      sent(count);
      fanOut(audience).observe(count);
    },
    frameSent: () => sent(),
    frameDropped: (cause) => dropped.add(cause),
    gapRead: () => gapRead(),
  };
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
    help: "For how long the first message of a group has waited for the group before",
  });
  const duration = createHistogram(registry, {
    name: "commit_duration_seconds",
    help: "From the beginning of a group's statement to its end",
  });
  let inFlight = 0;
  new Gauge({
    name: `${prefix}database_queries_in_flight`,
    help: "Statements that were given to the pool and have not ended: at the database, or waiting for a connection",
    registers: [registry],
    collect() {
      this.set(inFlight);
    },
  });
  const query = createBound(
    createHistogram(registry, {
      name: "database_query_duration_seconds",
      help: "Statements, with their wait for a connection",
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

function createAnswerMetrics(registry: Registry): Pick<Metrics, "answerEnded"> {
  const ended = createTally(
    registry,
    {
      name: `${prefix}answers_ended_total`,
      help: "Answers that have ended; handed_over, abandoned: others go on with them, or nobody",
      label: "status",
    },
    [...MessageStatus.exclude(["streaming"]).options, "handed_over", "abandoned"],
  );
  const firstChunk = createHistogram(registry, {
    name: "answer_first_chunk_seconds",
    help: "From asking the model to the first text that the room is shown",
    labels: ["model"],
    buckets: longBuckets,
  });
  const duration = createHistogram(registry, {
    name: "answer_duration_seconds",
    help: "From asking the model to the answer's end",
    labels: ["model"],
    buckets: longBuckets,
  });
  const tokens = new Counter({
    name: `${prefix}model_tokens_total`,
    help: "Tokens, as the model counts them or as is estimated while it does not say; cached are among those of the prompt",
    labelNames: ["model", "kind"],
    registers: [registry],
  });
  return {
    answerEnded({ status, model, firstChunkMs, totalMs, usage }) {
      ended.add(status);
      if (model === undefined) return;
      if (firstChunkMs !== undefined) firstChunk.labels(model).observe(firstChunkMs / 1000);
      duration.labels(model).observe(totalMs / 1000);
      tokens.labels(model, "prompt").inc(usage.prompt_tokens);
      tokens.labels(model, "answer").inc(usage.answer_tokens);
      tokens.labels(model, "thoughts").inc(usage.thoughts_tokens);
      tokens.labels(model, "cached").inc(usage.cached_tokens);
    },
  };
}
