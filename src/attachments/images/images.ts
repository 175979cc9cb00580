// Images are decoded by processes of their own, a few at a time.
import { availableParallelism } from "node:os";
import type { Logger } from "pino";
import { Semaphore } from "../../semaphore.ts";
import { Problem } from "../../wire/problems.ts";
import { ImageProcess, type ImageAnswer, type ImageSource } from "./image-process.ts";

/** An image above it is not read at all, and stored as a file as it is. */
export const imageBytesMax = 64 * 1024 * 1024;
/** Images that wait while another is decoded. Each takes a fraction of a second. */
const waitingMax = 100;
const retryAfterSeconds = 5;
/** Much longer than the largest image takes: on a busy machine, images get what messages leave. */
const defaultTimeoutMs = 40_000;
/** An image whose turn comes later is refused for now: with the time above, an answer comes before the server ends an idle request. */
const waitMsMax = 30_000;
/** The memory of a process is given back after so long without images. */
const defaultIdleMs = 30_000;

export class Images {
  readonly #semaphore = new Semaphore(
    // The memory of a few at most.
    { runningMax: availableParallelism() >= 4 ? 2 : 1, waitingMax },
    tooMany,
  );
  readonly #idle: ImageProcess[] = [];
  readonly #start: () => ImageProcess;
  readonly #waitMsMax: number;

  /** @param options tests have processes that end, or never answer */
  constructor(
    log: Logger,
    {
      waitMs = waitMsMax,
      ...options
    }: { waitMs?: number; timeoutMs?: number; idleMs?: number; command?: string[] } = {},
  ) {
    this.#waitMsMax = waitMs;
    this.#start = () =>
      new ImageProcess(log, { timeoutMs: defaultTimeoutMs, idleMs: defaultIdleMs, ...options });
  }

  /**
   * Removes the metadata of an image, turns it upright, and makes thumbnails and a preview. What cannot be decoded, is cut off, or has
   * too many pixels comes back without its metadata, to be stored as a file.
   * @param take stores what comes back
   * @throws Problem `unavailable` when too many wait or it takes too long, `invalid` for an image that ends its process
   */
  async prepare<T>(
    mediaType: string,
    source: ImageSource,
    take: (answer: ImageAnswer) => Promise<T>,
  ): Promise<T> {
    return await this.#run((process) => process.ask({ task: "prepare", mediaType }, source, take));
  }

  /**
   * The middle of an image as squares in the sizes of pictures, as WebP, upright and without metadata.
   * @returns undefined for an image that cannot be decoded, is cut off, has too many pixels, or is too long and thin
   * @throws Problem as {@link prepare}
   */
  async squares(mediaType: string, source: ImageSource): Promise<Uint8Array[] | undefined> {
    return await this.#run((process) =>
      process.ask({ task: "squares", mediaType }, source, async ({ reply, files }) =>
        reply.squares ? files : undefined,
      ),
    );
  }

  async #run<T>(task: (process: ImageProcess) => Promise<T>): Promise<T> {
    const beganMs = performance.now();
    return await this.#semaphore.run(async () => {
      if (performance.now() - beganMs > this.#waitMsMax) throw tooMany();
      const process = this.#idle.pop() ?? this.#start();
      try {
        return await task(process);
      } finally {
        this.#idle.push(process);
      }
    });
  }
}

function tooMany(): Problem {
  return new Problem("unavailable", "Too many pictures are being processed. Try again soon.", {
    retryAfterSeconds,
  });
}
