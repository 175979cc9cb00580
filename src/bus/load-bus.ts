import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import type { Metrics } from "../observability/metrics/metrics.ts";
import type { Bus } from "./bus.ts";

/** Makes the bus of NATS_URL; undefined without it, and the library behind it is not loaded. Nothing is connected yet. */
export async function loadBus(
  config: Config,
  log: Logger,
  metrics: Metrics,
): Promise<Bus | undefined> {
  if (config.bus === undefined) return undefined;
  const { NatsBus } = await import("./nats-bus.ts");
  return new NatsBus(config.bus, { log, metrics });
}
