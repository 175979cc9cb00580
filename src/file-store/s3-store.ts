// Files in a bucket of an S3-compatible store.
import { S3Client } from "bun";
import { Semaphore } from "../semaphore.ts";
import type { S3Settings } from "../config/file-settings.ts";
import { Problem } from "../wire/problems.ts";
import type { ByteRange, FileStore, SignedOptions } from "./file-store.ts";
import { Spool } from "./spool.ts";

const signedSeconds = 60;
const retryAfterSeconds = 5;
/** Bun holds several parts of 5 MB of each. */
const sentAtOnceMax = 4;
const sendWaitingMax = 1_000;
/** Codes of a store that has no space for a file: Amazon's, MinIO's, Ceph's. */
const fullCodes = /^(InsufficientStorage|XMinioStorageFull|QuotaExceeded)$/;

export class S3Store implements FileStore {
  readonly #settings: S3Settings;
  readonly #client: S3Client;
  readonly #spool: Spool;
  readonly #sending = new Semaphore({ runningMax: sentAtOnceMax, waitingMax: sendWaitingMax }, () =>
    storeProblem(undefined),
  );

  /** @param folder for files on their way to the bucket */
  constructor(settings: S3Settings, folder: string) {
    this.#spool = new Spool(folder);
    this.#settings = settings;
    const { endpoint, region, bucket, accessKeyId, secretAccessKey } = settings;
    this.#client = new S3Client({
      bucket,
      accessKeyId,
      secretAccessKey,
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(region === undefined ? {} : { region }),
    });
  }

  get description(): string {
    const { bucket, endpoint } = this.#settings;
    return `files in the bucket ${bucket}${endpoint === undefined ? "" : ` of ${endpoint}`}`;
  }

  async check(): Promise<void> {
    const key = `check-${crypto.randomUUID()}`;
    try {
      await this.#client.write(key, "x");
      const text = await this.#client.file(key).text();
      await this.#client.delete(key);
      if (text !== "x") throw new Error("a file came back with other bytes");
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      throw new Error(
        `The S3 store cannot be used; check S3_ENDPOINT, S3_BUCKET and the keys: ${codeOf(error)} ${detail}`,
        { cause: error },
      );
    }
  }

  /** A file is sent when all of it has come: one that breaks off leaves nothing, and a slow client holds no part in memory. */
  async write(key: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#spool.hold(chunks, (file) =>
      this.#sending.run(async () => {
        try {
          await this.#client.write(key, file, { queueSize: 1 });
        } catch (error) {
          throw storeProblem(error);
        }
      }),
    );
  }

  async read(key: string, range?: ByteRange): Promise<ReadableStream<Uint8Array> | undefined> {
    const file = this.#client.file(key);
    const reader = (range ? file.slice(range.start, range.end) : file).stream().getReader();
    // The first chunk tells whether the file exists, without another request.
    const first = await reader.read().catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw storeProblem(error);
    });
    if (!first) return undefined;
    let next: typeof first | undefined = first;
    return new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { done, value } = next ?? (await reader.read());
        next = undefined;
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    });
  }

  async remove(key: string): Promise<void> {
    await this.#client.delete(key).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
  }

  signedUrl(key: string, { mediaType, disposition }: SignedOptions): string | undefined {
    if (!this.#settings.isSigned) return undefined;
    return this.#client.presign(key, {
      expiresIn: signedSeconds,
      method: "GET",
      type: mediaType,
      contentDisposition: disposition,
    });
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function isMissing(error: unknown): boolean {
  return codeOf(error) === "NoSuchKey";
}

function storeProblem(error: unknown): Problem {
  if (fullCodes.test(codeOf(error))) {
    return new Problem("store_full", "There is no space left for files. Tell the operator.", {
      cause: error,
    });
  }
  return new Problem("unavailable", "The store of files cannot be reached. Try again soon.", {
    retryAfterSeconds,
    cause: error,
  });
}
