// Preloaded into each measured process. It tells the benchmark over IPC how much CPU and memory the process uses and how long
// its event loop was held, and ends the process with the benchmark.
const tickMs = 1;

let watch: Timer | undefined;
let tickedAt = 0;
let longestMs = 0;

/** Notes the longest delay of a timer that is always due. */
function tick() {
  const now = performance.now();
  longestMs = Math.max(longestMs, now - tickedAt - tickMs);
  tickedAt = now;
  watch = setTimeout(tick, tickMs);
}

/** @returns the longest hold in milliseconds since the last call, and goes on to watch */
function longestHold(): number {
  const found = longestMs;
  clearTimeout(watch);
  tickedAt = performance.now();
  longestMs = 0;
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
