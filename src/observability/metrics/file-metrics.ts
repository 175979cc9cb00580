// Metrics of files.
import { Counter, type Registry } from "prom-client";
import { prefix } from "./histograms.ts";
import type { Metrics } from "./metrics.ts";

export function createFileMetrics(
  registry: Registry,
): Pick<Metrics, "uploadEnded" | "filesRemoved"> {
  const ended = new Counter({
    name: `${prefix}uploads_ended_total`,
    help: "Uploads that were stored, and those that were refused by the code of their problem",
    labelNames: ["outcome"],
    registers: [registry],
  });
  const bytes = new Counter({
    name: `${prefix}uploaded_bytes_total`,
    help: "Bytes of the uploads that were stored; the same bytes twice in a chat count twice",
    registers: [registry],
  });
  const removed = new Counter({
    name: `${prefix}files_removed_total`,
    help: "Files that were removed from the store, thumbnails and parts of uploads included",
    registers: [registry],
  });
  return {
    uploadEnded(outcome, size = 0) {
      ended.labels(outcome).inc();
      bytes.inc(size);
    },
    filesRemoved(count) {
      removed.inc(count);
    },
  };
}
