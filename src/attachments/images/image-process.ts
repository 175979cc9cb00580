// A process of its own for images. What a hostile image does to it, it does not do to the server, and what it computes delays no message.
import type { Logger } from "pino";
import { within } from "../../schedule.ts";
import { Problem } from "../../wire/problems.ts";
import { ImageReply, imageCommand, PipeReader, type ImageRequest } from "./pipe.ts";

export interface ImageSource {
  size: number;
  /** Reads the file when its turn has come, so that images that wait take no memory. */
  read: () => Promise<ReadableStream<Uint8Array>>;
}

/** A reply with its bytes. Those of the image itself are still in the pipe. */
export interface ImageAnswer {
  reply: Exclude<ImageReply, { error: string }>;
  /** The thumbnails, or the squares. */
  files: Uint8Array[];
  /** The image without its metadata, which has to be read to its end; undefined if it is as it was. */
  bare: AsyncIterable<Uint8Array> | undefined;
}

type Spawned = Bun.Subprocess<"pipe", "pipe", "ignore">;

/** Milliseconds after which a process that has closed its pipes is known to have ended. */
const exitMs = 100;

/** In the compiled program, there are no files of its source. */
function defaultCommand(): string[] {
  if (import.meta.url.includes("$bunfs")) return [process.execPath, imageCommand];
  return [process.execPath, `${import.meta.dir}/image-program.ts`];
}

/** Starts with the first image, and ends when none has come for a while. */
export class ImageProcess {
  readonly #log: Logger;
  readonly #timeoutMs: number;
  readonly #idleMs: number;
  readonly #command: string[];
  #spawned: Spawned | undefined;
  #idleTimer: Timer | undefined;

  constructor(
    log: Logger,
    {
      timeoutMs,
      idleMs,
      command = defaultCommand(),
    }: {
      timeoutMs: number;
      idleMs: number;
      command?: string[] | undefined;
    },
  ) {
    this.#log = log;
    this.#timeoutMs = timeoutMs;
    this.#idleMs = idleMs;
    this.#command = command;
  }

  /**
   * Sends an image, and has `take` read the answer. One image at a time.
   * @throws Problem `unavailable` when it takes too long, `invalid` when the image ends the process, and whatever `take` throws
   */
  async ask<T>(
    request: Omit<ImageRequest, "size">,
    source: ImageSource,
    take: (answer: ImageAnswer) => Promise<T>,
  ): Promise<T> {
    clearTimeout(this.#idleTimer);
    const spawned = (this.#spawned ??= this.#spawn());
    const reader = new PipeReader(spawned.stdout);
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      spawned.kill("SIGKILL");
    }, this.#timeoutMs);
    let isDone = false;
    try {
      await send(spawned, request, source);
      const taken = await take(await readAnswer(reader));
      isDone = true;
      return taken;
    } catch (error) {
      // A process that has ended closes its pipes before it is known to have ended.
      const endedBefore = spawned.killed || (await within(exitMs, spawned.exited));
      if (!endedBefore) throw error;
      this.#log.warn(
        { err: error, signal: spawned.signalCode, code: spawned.exitCode, isLate },
        "the process for images has ended",
      );
      throw isLate ? tooSlow() : unreadable();
    } finally {
      clearTimeout(timer);
      reader.release();
      // Bytes that were not read would begin the next answer.
      if (isDone) this.#idleTimer = setTimeout(() => this.stop(), this.#idleMs).unref();
      else this.stop();
    }
  }

  stop(): void {
    this.#spawned?.kill("SIGKILL");
    this.#spawned = undefined;
  }

  #spawn(): Spawned {
    const spawned: Spawned = Bun.spawn(this.#command, {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "ignore",
      // The settings of the server, with its secrets, are not for a process that reads what anybody sends.
      env: {},
      cwd: "/",
      onExit: () => {
        if (this.#spawned === spawned) this.#spawned = undefined;
      },
    });
    // It does not keep the server running: it ends with its standard input.
    spawned.unref();
    return spawned;
  }
}

async function send(
  { stdin }: Spawned,
  request: Omit<ImageRequest, "size">,
  { size, read }: ImageSource,
): Promise<void> {
  const bytes = await read();
  stdin.write(`${JSON.stringify({ ...request, size } satisfies ImageRequest)}\n`);
  for await (const chunk of bytes) {
    stdin.write(chunk);
    await stdin.flush();
  }
  await stdin.flush();
}

async function readAnswer(reader: PipeReader): Promise<ImageAnswer> {
  const line = await reader.line();
  if (line === undefined) throw new Error("the process for images has ended");
  const reply = ImageReply.parse(JSON.parse(line));
  if ("error" in reply) throw new Error(`an image could not be processed: ${reply.error}`);
  const lengths = reply.squares ?? reply.shown?.thumbnails.map(({ length }) => length) ?? [];
  const files: Uint8Array[] = [];
  for (const length of lengths) files.push(await reader.bytes(length));
  return {
    reply,
    files,
    bare: reply.bareBytes === null ? undefined : reader.chunks(reply.bareBytes),
  };
}

function tooSlow(): Problem {
  return new Problem(
    "unavailable",
    "The picture could not be processed in time. Try again later.",
    {
      retryAfterSeconds: 30,
    },
  );
}

function unreadable(): Problem {
  const detail = "The picture cannot be processed. Send another, or put it into an archive.";
  return new Problem("invalid", detail, { errors: [{ pointer: "", detail }] });
}
