// `bun run faults:proxy`: the fault proxy as a program, for clients in any language.
import { parseArgs } from "node:util";
import { startFaultProxy, type SocketFaults } from "./proxy.ts";

const usage = `bun run faults:proxy --target http://127.0.0.1:8000 [--port 9000] [--seed words]
  [--drop 0.01] [--double 0.02] [--delay 0.03] [--reorder 0.02] [--cut 0.002] [--delay-ms-max 20] [--cut-every-ms 1000]

Passes everything on to the server. Each fault happens to a WebSocket message with the given probability. --cut-every-ms
breaks all WebSockets at that interval. Ctrl-C stops the proxy and prints the number of faults.`;

const probabilities = ["drop", "double", "delay", "reorder", "cut"] as const;
const option = { type: "string" } as const;

/** @throws RangeError unless the text is a number in the range */
function numberOf(name: string, text: string | undefined, min: number, max: number) {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value >= min && value <= max)) {
    throw new RangeError(`--${name} must be a number from ${min} to ${max}`);
  }
  return value;
}

function readArguments() {
  const { values } = parseArgs({
    options: {
      target: option,
      port: option,
      seed: option,
      drop: option,
      double: option,
      delay: option,
      reorder: option,
      cut: option,
      "delay-ms-max": option,
      "cut-every-ms": option,
    },
  });
  if (values.target === undefined || !URL.canParse(values.target)) {
    throw new RangeError("--target must be the URL of a server");
  }
  const faults: Partial<SocketFaults> = {};
  for (const name of probabilities) faults[name] = numberOf(name, values[name], 0, 1) ?? 0;
  const delayMsMax = numberOf("delay-ms-max", values["delay-ms-max"], 1, 60_000);
  if (delayMsMax !== undefined) faults.delayMsMax = delayMsMax;
  return {
    faults,
    options: {
      target: values.target,
      ...(values.seed === undefined ? {} : { seed: values.seed }),
      port: numberOf("port", values.port, 0, 65_535) ?? 0,
    },
    cutEveryMs: numberOf("cut-every-ms", values["cut-every-ms"], 10, 3_600_000),
  };
}

async function main() {
  const { options, faults, cutEveryMs } = readArguments();
  const proxy = await startFaultProxy(options);
  proxy.play(faults);
  console.log(`${proxy.url} leads to ${options.target}, with the seed ${proxy.seed}`);
  if (cutEveryMs !== undefined) setInterval(proxy.cut, cutEveryMs);
  process.once("SIGINT", () => {
    console.log(proxy.counts);
    process.exit(0);
  });
}

try {
  await main();
} catch (error) {
  console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`);
  process.exit(1);
}
