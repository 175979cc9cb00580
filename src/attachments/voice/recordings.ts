// Reads recordings outside of the event loop, one at a time.
import { Semaphore } from "../../semaphore.ts";
import { Problem } from "../../wire/problems.ts";
import { playedType } from "./read-recording.ts";
import type { ReadResult, ReadTask } from "./read-worker.ts";
import type { Recording } from "./recording.ts";

/** Limits of a recording; what is longer can be sent as a file. */
export const voiceSecondsMax = 15 * 60;
export const voiceBytesMax = 32 * 1024 * 1024;
/** Recordings that wait while another is read. Most take some 10 ms, the longest some seconds. */
const waitingMax = 100;
const retryAfterSeconds = 5;
/** The limit of one recording. It is longer than the longest recording takes on a busy machine. */
const defaultTimeoutMs = 60_000;
/** The worker's memory is given back after so long without recordings. */
const idleMs = 30_000;

/** In the compiled program, files keep their paths below the folder of the program's first file. */
function workerUrl(): URL {
  const isCompiled = import.meta.url.includes("$bunfs");
  return isCompiled
    ? new URL("./attachments/voice/read-worker.js", import.meta.url)
    : new URL("./read-worker.ts", import.meta.url);
}

export class Recordings {
  readonly #timeoutMs: number;
  readonly #workerUrl: URL;
  readonly #semaphore = new Semaphore(
    { runningMax: 1, waitingMax },
    () =>
      new Problem("unavailable", "Too many recordings are being processed. Try again soon.", {
        retryAfterSeconds,
      }),
  );
  #worker: Worker | undefined;
  #idleTimer: Timer | undefined;

  /** @param options tests have workers that never answer */
  constructor({ timeoutMs = defaultTimeoutMs, worker = workerUrl() } = {}) {
    this.#timeoutMs = timeoutMs;
    this.#workerUrl = worker;
  }

  /**
   * Finds out how long a recording is, and how loud at each time.
   * @param mediaType as it was found out from the bytes
   * @param read reads the file when its turn has come, so that recordings that wait take no memory
   * @throws Problem `invalid` for what is no recording of sound, is too long, or cannot be read in time; `unavailable` when too many wait
   */
  async read(mediaType: string, read: () => Promise<Uint8Array<ArrayBuffer>>): Promise<Recording> {
    if (playedType(mediaType) === undefined) throw noRecording();
    return await this.#semaphore.run(async () => {
      const bytes = await read();
      const result = await this.#ask({ mediaType, bytes, secondsMax: voiceSecondsMax });
      if (result === undefined) throw noRecording();
      if ("recording" in result) return result.recording;
      throw result.refusal === "too_long" ? tooLong() : noRecording();
    });
  }

  /** @returns undefined if the worker was stopped by the bytes, or by the time */
  async #ask(task: ReadTask): Promise<ReadResult | undefined> {
    clearTimeout(this.#idleTimer);
    const worker = (this.#worker ??= new Worker(this.#workerUrl.href));
    worker.unref();
    const { promise, resolve } = Promise.withResolvers<ReadResult | undefined>();
    worker.onmessage = ({ data }: MessageEvent<ReadResult>) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      resolve(undefined);
    };
    worker.onmessageerror = () => resolve(undefined);
    const timer = setTimeout(() => resolve(undefined), this.#timeoutMs);
    // The request waits for the worker, which does not keep the process alive by itself.
    worker.ref();
    worker.postMessage(task);
    const result = await promise;
    clearTimeout(timer);
    worker.unref();
    if (result === undefined) this.#stop();
    else {
      this.#idleTimer = setTimeout(() => this.#stop(), idleMs);
      this.#idleTimer.unref();
    }
    return result;
  }

  #stop(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
  }
}

export function voiceTooLarge(): Problem {
  return new Problem(
    "too_large",
    `A voice message may have at most ${voiceBytesMax / 1024 ** 2} MB. Send it as a file.`,
  );
}

function noRecording(): Problem {
  const detail =
    "This is no voice recording that can be played. Send sound alone as WebM or Ogg (Opus), MP4 (AAC), MP3 or WAV, or send it as a file.";
  return new Problem("invalid", detail, { errors: [{ pointer: "", detail }] });
}

function tooLong(): Problem {
  const detail = `A voice message may last ${voiceSecondsMax / 60} minutes at most. Send a longer recording as a file.`;
  return new Problem("invalid", detail, { errors: [{ pointer: "", detail }] });
}
