// Gauges of the server and the process. They are read when the metrics are scraped.
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { ServerState } from "./metrics.ts";

/** Interval of the timer that measures lag. A stall that is shorter may be missed. */
const lagIntervalMs = 100;

function gauge(registry: Registry, name: string, help: string, read: () => number) {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}

/** @param stateOf undefined while there is no server */
export function registerState(registry: Registry, stateOf: () => ServerState | undefined): void {
  const read = (of: (state: ServerState) => number) => () => {
    const state = stateOf();
    return state ? of(state) : 0;
  };
  const add = (name: string, help: string, of: (state: ServerState) => number) =>
    gauge(registry, `gemini_coop_${name}`, help, read(of));
  add("sockets_open", "Open sockets", (state) => state.socketsOpen());
  add("rooms_open", "Chats that somebody has joined", (state) => state.rooms().open);
  add("room_listeners", "Joined sockets, once for each room", (state) => state.rooms().listeners);
  add("answers_running", "Answers that are running", (state) => state.answersRunning());

  add(
    "search_index_lag_seconds",
    "Age of the oldest message that was indexed last when searches began to find it; 0 where another server fills the index",
    (state) => state.searchLagMs() / 1_000,
  );

  const queues: Record<string, (state: ServerState) => number> = {
    commit: (state) => state.commitQueue(),
    reactions: (state) => state.reactionQueue(),
    socket_inboxes: (state) => state.inboxes(),
    password_hashing: (state) => state.passwordQueue(),
    room_order: (state) => state.rooms().waitingFrames,
  };
  new Gauge({
    name: "gemini_coop_queue_length",
    help: "Length of queues: messages and reactions before their commit, frames in inboxes of sockets, sign-ins before their hash, frames behind a gap in their room's numbers",
    labelNames: ["queue"],
    registers: [registry],
    collect() {
      for (const [queue, of] of Object.entries(queues)) this.set({ queue }, read(of)());
    },
  });
}

/** Metrics of the process have the names that Prometheus' own clients give them, where those exist. */
export function registerProcess(registry: Registry, version: string): void {
  new Gauge({
    name: "gemini_coop_build_info",
    help: "Always 1; the labels have the versions",
    labelNames: ["version", "bun_version"],
    registers: [registry],
  }).set({ version, bun_version: Bun.version }, 1);
  new Counter({
    name: "process_cpu_seconds_total",
    help: "CPU time, user and system",
    registers: [registry],
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  const startedAt = performance.timeOrigin / 1000;
  gauge(
    registry,
    "process_start_time_seconds",
    "Start time of the process, in seconds since 1970",
    () => startedAt,
  );
  gauge(registry, "process_resident_memory_bytes", "Resident memory", () =>
    process.memoryUsage.rss(),
  );
  gauge(
    registry,
    "gemini_coop_heap_used_bytes",
    "Memory of JavaScript objects",
    () => process.memoryUsage().heapUsed,
  );
}

/** Measures how late a timer fires. @returns a function that stops it */
export function watchEventLoop(registry: Registry): () => void {
  const lag = new Histogram({
    name: "gemini_coop_event_loop_lag_seconds",
    help: `Delay of a timer of ${lagIntervalMs} ms`,
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers: [registry],
  });
  let dueAt = performance.now() + lagIntervalMs;
  const timer = setInterval(() => {
    const now = performance.now();
    lag.observe(Math.max(0, now - dueAt) / 1000);
    dueAt = now + lagIntervalMs;
  }, lagIntervalMs);
  timer.unref();
  return () => clearInterval(timer);
}
