// Metrics of the bus between servers. Without a bus they are 0.
import { Gauge, type Registry } from "prom-client";
import { prefix } from "./histograms.ts";
import type { Metrics, ServerState } from "./metrics.ts";
import { createCount } from "./tally.ts";

type BusMetrics = Pick<Metrics, "busWentAway" | "busSent" | "busReceived" | "busRefused">;

export function createBusMetrics(
  registry: Registry,
  stateOf: () => ServerState | undefined,
): BusMetrics {
  new Gauge({
    name: `${prefix}bus_away`,
    help: "1 while the bus between servers is away, otherwise 0",
    registers: [registry],
    collect() {
      this.set(stateOf()?.bus()?.isUp === false ? 1 : 0);
    },
  });
  new Gauge({
    name: `${prefix}bus_subscriptions`,
    help: "Subjects of the bus that this server has subscribed to",
    registers: [registry],
    collect() {
      this.set(stateOf()?.bus()?.subscriptions ?? 0);
    },
  });
  const count = (name: string, help: string) =>
    createCount(registry, { name: `${prefix}bus_${name}`, help });
  const outages = count("outages_total", "How often the bus between servers went away");
  const refused = count(
    "refused_total",
    "Messages of the bus that no server of this version sends",
  );
  const sent = count("sent_total", "Messages that were sent to other servers");
  const sentBytes = count("sent_bytes_total", "Bytes that were sent to other servers");
  const received = count("received_total", "Messages of other servers");
  const receivedBytes = count("received_bytes_total", "Bytes of the messages of other servers");
  return {
    busWentAway: () => outages(),
    busRefused: () => refused(),
    busSent(bytes) {
      sent();
      sentBytes(bytes);
    },
    busReceived(bytes) {
      received();
      receivedBytes(bytes);
    },
  };
}
