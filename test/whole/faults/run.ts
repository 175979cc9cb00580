// bun run faults [--rounds 10] [--seed words] [--only "kill -9"] [--away-seconds 3] [--servers 2] [--parallel 1]
// Plays every fault on the real server and checks what came of it. The same seed makes the same decisions.
import { parseArgs } from "node:util";
import { Cleanup } from "../../world/cleanup.ts";
import { hasNats } from "../../world/nats.ts";
import { onBus } from "./bus-faults.ts";
import { faultNames, playFaults, type FaultName } from "./faults.ts";
import { tableOf } from "./figures.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "10" },
    seed: { type: "string", default: crypto.randomUUID().slice(0, 8) },
    only: { type: "string", multiple: true, default: [] },
    "away-seconds": { type: "string", default: "3" },
    servers: { type: "string", default: "2" },
    parallel: { type: "string", default: "1" },
  },
});
const unknown = values.only.filter((name) => !faultNames.some((fault) => fault === name));
const roundsOfEach = Number(values.rounds);
const awaySeconds = Number(values["away-seconds"]);
const parallel = Number(values.parallel);
if (unknown.length > 0 || !(roundsOfEach > 0) || !(awaySeconds >= 0) || !(parallel >= 1)) {
  console.error(
    `--rounds, --away-seconds and --parallel are numbers, --only is one of: ${faultNames.join(", ")}`,
  );
  process.exit(2);
}
const cleanup = new Cleanup();
cleanup.runOnSignals();
const isPlayable = (name: FaultName) => hasNats || !(name in onBus);
const isWanted = (name: FaultName) =>
  isPlayable(name) && (values.only.length === 0 || values.only.includes(name));
const rounds = Object.fromEntries(
  faultNames.map((name) => [name, isWanted(name) ? roundsOfEach : 0]),
) as Record<FaultName, number>;

console.log(`seed ${values.seed}: bun run faults --seed ${values.seed} makes the same decisions\n`);
const options = {
  seed: values.seed,
  rounds,
  awayMs: awaySeconds * 1000,
  servers: Number(values.servers),
  parallel,
  say: (line: string) => console.log(line),
};
const begun = performance.now();
try {
  const { figures, violations } = await playFaults(options, cleanup);
  const seconds = Math.round((performance.now() - begun) / 1_000);
  console.log(`\n${tableOf(figures)}\n\nin ${seconds} s`);
  process.exit(violations.length === 0 ? 0 : 1);
} catch (error) {
  // After a signal everything fails.
  if (!cleanup.isRunning) throw error;
} finally {
  await cleanup.run();
}
