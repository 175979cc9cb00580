// Metrics of files.
import { Counter, type Registry } from "prom-client";
import { prefix } from "./histograms.ts";
import type { Metrics } from "./metrics.ts";

export function createFileMetrics(
  registry: Registry,
): Pick<
  Metrics,
  | "uploadEnded"
  | "filesRemoved"
  | "fileScanned"
  | "transcriptionEnded"
  | "pictureEnded"
  | "modelCopyEnded"
> {
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
  const transcriptions = new Counter({
    name: `${prefix}transcriptions_ended_total`,
    help: "Tries to transcribe a voice message, by their outcome",
    labelNames: ["outcome"],
    registers: [registry],
  });
  const scans = new Counter({
    name: `${prefix}files_scanned_total`,
    help: "Uploads and pictures of the model that were scanned for malware, by the verdict; failed: the scanner was away",
    labelNames: ["outcome"],
    registers: [registry],
  });
  const pictures = new Counter({
    name: `${prefix}answer_pictures_total`,
    help: "Pictures that the model has made, by whether they could be stored",
    labelNames: ["outcome"],
    registers: [registry],
  });
  const copies = new Counter({
    name: `${prefix}model_copies_total`,
    help: "Files that were sent to the provider of the model, and copies there that were removed, by the outcome",
    labelNames: ["kind", "outcome"],
    registers: [registry],
  });
  // An increase is only seen of a series that was there before.
  for (const outcome of ["clean", "infected", "too_large", "failed"]) scans.labels(outcome).inc(0);
  for (const outcome of ["stored", "failed"]) pictures.labels(outcome).inc(0);
  for (const outcome of ["ok", "failed"]) {
    for (const kind of ["sent", "removed"]) copies.labels(kind, outcome).inc(0);
  }
  for (const outcome of ["transcribed", "failed"]) transcriptions.labels(outcome).inc(0);
  ended.labels("stored").inc(0);
  return {
    pictureEnded(outcome) {
      pictures.labels(outcome).inc();
    },
    modelCopyEnded(kind, outcome) {
      copies.labels(kind, outcome).inc();
    },
    fileScanned(outcome) {
      scans.labels(outcome).inc();
    },
    transcriptionEnded(outcome) {
      transcriptions.labels(outcome).inc();
    },
    uploadEnded(outcome, size = 0) {
      ended.labels(outcome).inc();
      bytes.inc(size);
    },
    filesRemoved(count) {
      removed.inc(count);
    },
  };
}
