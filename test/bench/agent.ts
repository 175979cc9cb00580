// Preloaded into each measured process. It tells the benchmark over IPC how much CPU and memory the process uses and how long
// its event loop was held, and ends the process with the benchmark.
const tickMs = 1;

let watch: Timer | undefined;
let spentAtTick = 0;
let longestMicros = 0;

/** The CPU time of the event loop's thread, which other programs on the machine cannot stretch as they do the time of day. */
function spentMicros(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

/** A timer that is always due ticks at each turn of the loop, so the time between two ticks is one turn. */
function tick() {
  const spent = spentMicros();
  longestMicros = Math.max(longestMicros, spent - spentAtTick);
  spentAtTick = spent;
  watch = setTimeout(tick, tickMs);
}

/** @returns the longest hold in milliseconds since the last call, and goes on to watch */
function longestHold(): number {
  const found = longestMicros / 1_000;
  clearTimeout(watch);
  spentAtTick = spentMicros();
  longestMicros = 0;
  watch = setTimeout(tick, tickMs);
  return found;
}

function answerTo(question: unknown): number {
  switch (question) {
    case "cpu": {
      const { user, system } = process.cpuUsage();
      return user + system;
    }
    case "rss":
      Bun.gc(true);
      return process.memoryUsage.rss();
    case "resident":
      return process.memoryUsage.rss();
    case "hold":
      return longestHold();
    case "unwatch":
      clearTimeout(watch);
      return 0;
    default:
      return Number.NaN;
  }
}

process.on("disconnect", () => process.exit());
process.on("message", (question) => process.send?.(answerTo(question)));
