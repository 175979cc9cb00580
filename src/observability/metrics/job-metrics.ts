// Metrics of the jobs in the background.
import { Counter, Gauge, type Registry } from "prom-client";
import { prefix } from "./histograms.ts";
import type { JobOutcome, Metrics, ServerState } from "./metrics.ts";

const outcomes: readonly JobOutcome[] = ["done", "retried", "dead"];

export function createJobMetrics(
  registry: Registry,
  stateOf: () => ServerState | undefined,
): Pick<Metrics, "jobsHandled" | "jobEnded"> {
  const ended = new Counter({
    name: `${prefix}jobs_ended_total`,
    help: "Runs of jobs by their kind and outcome; dead: the job was given up",
    labelNames: ["kind", "outcome"],
    registers: [registry],
  });
  const add = (name: string, help: string, of: (state: ServerState) => number) =>
    new Gauge({
      name: `${prefix}${name}`,
      help,
      registers: [registry],
      collect() {
        const state = stateOf();
        this.set(state ? of(state) : 0);
      },
    });
  add("jobs_waiting", "Jobs of all servers that wait or run", (state) => state.jobs().waiting);
  add("jobs_dead", "Jobs that were given up within the last week", (state) => state.jobs().dead);
  add(
    "jobs_late_seconds",
    "For how long the job that waits longest has been due",
    (state) => state.jobs().lateMs / 1_000,
  );
  return {
    // All series exist from the start, so that the first event is seen as an increase.
    jobsHandled(kind) {
      for (const outcome of outcomes) ended.labels(kind, outcome).inc(0);
    },
    jobEnded(kind, outcome) {
      ended.labels(kind, outcome).inc();
    },
  };
}
