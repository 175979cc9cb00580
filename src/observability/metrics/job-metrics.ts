// Metrics of the jobs in the background, and of webhooks.
import { Counter, Gauge, type Registry } from "prom-client";
import { prefix } from "./histograms.ts";
import type { JobOutcome, Metrics, ServerState } from "./metrics.ts";
import { createCount, createTally } from "./tally.ts";

const outcomes: readonly JobOutcome[] = ["done", "retried", "dead"];

export function createJobMetrics(
  registry: Registry,
  stateOf: () => ServerState | undefined,
): Pick<Metrics, "jobsHandled" | "jobEnded" | "webhookTried" | "webhookTurnedOff"> {
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
  const tried = createTally(
    registry,
    {
      name: `${prefix}webhook_tries_total`,
      help: "Tries to tell webhooks of events; failed: the event was given up; skipped: nothing was left to tell",
      label: "outcome",
    },
    ["delivered", "failed", "retried", "skipped"],
  );
  const turnedOff = createCount(registry, {
    name: `${prefix}webhooks_turned_off_total`,
    help: "Webhooks that were turned off, since they are gone or have failed for three days",
  });
  return {
    webhookTried: (outcome) => tried.add(outcome),
    webhookTurnedOff: () => turnedOff(),
    // All series exist from the start, so that the first event is seen as an increase.
    jobsHandled(kind) {
      for (const outcome of outcomes) ended.labels(kind, outcome).inc(0);
    },
    jobEnded(kind, outcome) {
      ended.labels(kind, outcome).inc();
    },
  };
}
