// Files that Google keeps for 48 hours, by the Files API: https://ai.google.dev/gemini-api/docs/files
import { setTimeout as sleep } from "node:timers/promises";
import type { BaseLogger } from "pino";
import { z } from "zod";
import {
  ModelError,
  type ModelFiles,
  type StoredModelFile,
  type UploadedModelFile,
} from "../stream-answer.ts";
import { googleUrl } from "./client.ts";
import { Unavailable } from "./errors.ts";
import { failureOf, isApiError, isLoopback } from "./failure.ts";

/** The version in which the Files API is documented. */
const apiVersion = "v1beta";
/** Google states the time; this holds where another server does not. */
const keptMs = 47 * 60 * 60 * 1_000;
/** Where Gemini asks to wait for longer, the upload fails at once. Few run at the same time, and others would wait for it. */
const retryAfterMaxMs = 60_000;

const FileResource = z.object({
  name: z.string(),
  uri: z.string().min(1).max(2_048),
  state: z.string().optional(),
  expirationTime: z.iso.datetime({ offset: true }).optional().catch(undefined),
});
type FileResource = z.infer<typeof FileResource>;

export interface GeminiFilesOptions {
  apiKey: string;
  /** The address of the API; Google's unless said otherwise. */
  baseUrl?: string | undefined;
  log: Pick<BaseLogger, "warn">;
  triesMax?: number;
  /** The pause before the second try, doubled before each further one. */
  backoffMs?: number;
  /** The pause between two looks at a file that is being processed. */
  pollMs?: number;
  /** The limit of each request. */
  requestTimeoutMs?: number;
}

interface Retries extends Required<Pick<GeminiFilesOptions, "triesMax" | "backoffMs" | "log">> {
  signal: AbortSignal;
}

/** Tries again while Gemini is not available. @throws the error of the last try, and the signal's reason */
async function repeated<T>(
  task: () => Promise<T>,
  { triesMax, backoffMs, log, signal }: Retries,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await task();
    } catch (error) {
      const mayMend = error instanceof Unavailable && error.afterMs <= retryAfterMaxMs;
      if (!mayMend || tries >= triesMax) throw error;
      log.warn({ tries, cause: error.cause }, "gemini did not take a file; trying again");
      const waitMs = Math.max(error.afterMs, backoffMs * 2 ** (tries - 1));
      await sleep(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

/** The files of Gemini, by its SDK. Connection errors and 5xx are tried again; a caller's signal ends everything. */
export function createGeminiFiles(options: GeminiFilesOptions): ModelFiles {
  const { apiKey, baseUrl = googleUrl, log } = options;
  const { triesMax = 3, backoffMs = 500, pollMs = 1_000, requestTimeoutMs = 60_000 } = options;
  const proxy = isLoopback(baseUrl) ? false : undefined;

  /** One request or one upload. The SDK passes no signal on, and its errors have no headers. */
  async function call<T>(
    signal: AbortSignal,
    task: (files: import("@google/genai").Files) => Promise<T>,
  ): Promise<T> {
    let response: Response | undefined;
    const fetchResponse = async (input: string | URL | Request, init?: RequestInit) => {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]);
      // A redirect would take the key's header to another host.
      const body = init?.body instanceof StoredBlob ? await init.body.bytes() : init?.body;
      response = await fetch(input, { ...init, body, signal: limited, redirect: "manual", proxy });
      return response;
    };
    const { GoogleGenAI } = await import("@google/genai");
    const httpOptions = { baseUrl, fetch: fetchResponse };
    const sdk = new GoogleGenAI({ apiKey, vertexai: false, apiVersion, httpOptions });
    try {
      return await task(sdk.files);
    } catch (error) {
      signal.throwIfAborted();
      if (isApiError(error) && [403, 404].includes(error.status)) throw new FileMissing(error);
      if (isApiError(error) && error.status === 409) throw new FileExists(error);
      throw failureOf(error, response, { apiKey, model: "files" });
    }
  }

  const withRetries = <T>(signal: AbortSignal, task: () => Promise<T>) =>
    repeated(task, { triesMax, backoffMs, log, signal });

  const find = (name: string, signal: AbortSignal) =>
    withRetries(signal, async () =>
      FileResource.parse(await call(signal, (files) => files.get({ name }))),
    );

  return {
    newName: () => `files/gc-${crypto.randomUUID()}`,
    async upload({ name, mediaType, size, read }, signal) {
      const blob = new StoredBlob(mediaType, read, 0, size);
      const config = { name, mimeType: mediaType };
      let file = await withRetries(signal, async () =>
        FileResource.parse(await call(signal, (files) => files.upload({ file: blob, config }))),
      ).catch((error: unknown) => {
        // The first try was stored, and its reply was lost.
        if (error instanceof FileExists) return find(name, signal);
        throw error;
      });
      while (file.state === "PROCESSING" || file.state === "STATE_UNSPECIFIED") {
        await sleep(pollMs, undefined, { signal }).catch(() => signal.throwIfAborted());
        file = await find(name, signal);
      }
      return stored(file);
    },
    async remove(name) {
      const signal = new AbortController().signal;
      await call(signal, (files) => files.delete({ name })).catch((error: unknown) => {
        if (!(error instanceof FileMissing)) throw error;
      });
    },
  };
}

/** A range of a file that is read when it is sent: the SDK takes a Blob apart into parts of 8 MiB. */
class StoredBlob extends Blob {
  readonly #read: UploadedModelFile["read"];
  readonly #start: number;
  readonly #end: number;

  constructor(type: string, read: UploadedModelFile["read"], start: number, end: number) {
    super([], { type });
    this.#read = read;
    this.#start = start;
    this.#end = end;
  }

  override get size(): number {
    return this.#end - this.#start;
  }

  override slice(start = 0, end = this.size): StoredBlob {
    const limit = (at: number) => this.#start + Math.min(at, this.size);
    return new StoredBlob(this.type, this.#read, limit(start), limit(end));
  }

  override bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#read(this.#start, this.#end);
  }
}

function stored({ uri, state = "ACTIVE", expirationTime }: FileResource): StoredModelFile {
  if (state !== "ACTIVE") {
    throw new ModelError("Gemini could not process a file.", { cause: `the file is ${state}` });
  }
  const expiresAt = expirationTime ? new Date(expirationTime) : new Date(Date.now() + keptMs);
  return { uri, expiresAt };
}

/** Google answers 403 for a file that does not exist, too. */
class FileMissing extends ModelError {
  constructor(cause: unknown) {
    super("Gemini does not have this file.", { cause });
  }
}

class FileExists extends ModelError {
  constructor(cause: unknown) {
    super("Gemini has a file of this name.", { cause });
  }
}
