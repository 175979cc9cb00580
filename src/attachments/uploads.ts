import type { Logger } from "pino";
import { Semaphore } from "../semaphore.ts";
import { Problem } from "../wire/problems.ts";
import { Images } from "./images/images.ts";
import { UploadTurns } from "./upload-turns.ts";
import { Recordings } from "./voice/recordings.ts";

/** The parts of this server that uploads share. */
export class Uploads {
  readonly turns = new UploadTurns();
  readonly images: Images;
  readonly recordings = new Recordings();
  /** Files that are scanned at once: the daemon has 10 threads unless it is told otherwise. */
  readonly scans = new Semaphore(
    { runningMax: 8, waitingMax: 200 },
    () =>
      new Problem("unavailable", "Too many files are being checked. Try again soon.", {
        retryAfterSeconds: 5,
      }),
  );

  constructor(log: Logger) {
    this.images = new Images(log);
  }
}
