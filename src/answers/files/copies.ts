// The copies of files at the provider of the model: sent once, and removed with the file.
import { Semaphore } from "../../semaphore.ts";
import type { Ctx } from "../../context.ts";
import { ModelError, type ModelFiles, type RunningUploads } from "../../model/stream-answer.ts";
import {
  deleteCopyRemoval,
  delayCopyRemoval,
  discardPendingCopy,
  insertCopy,
  notePendingCopy,
  takeCopyRemovals,
  type ReadableFile,
} from "./queries.ts";

/** A part of 8 MiB of each file is in memory while it is sent. */
const uploadsAtOnce = 4;
const uploadsWaitingMax = 100;
/** An upload goes on for so long, also when the answer that wanted it does not wait any more. */
const uploadMs = 3 * 60_000;
/** A copy whose row is missing after this time is removed. It is longer than an upload takes. */
const pendingSeconds = 15 * 60;

/** The files that this server is sending to the provider of the model: each once, however many answers want it. */
export class FileUploads implements RunningUploads {
  /** An answer waits so long for the copies of its files, in milliseconds; what takes longer is ready for the next question. */
  readonly waitMs: number;
  readonly #running = new Map<number, Promise<string>>();
  readonly #semaphore = new Semaphore(
    { runningMax: uploadsAtOnce, waitingMax: uploadsWaitingMax },
    () => new ModelError("Too many files are being sent to Gemini."),
  );

  constructor(waitMs = 30_000) {
    this.waitMs = waitMs;
  }

  /** Waits for the upload of a file that runs, or begins it. @returns the address of the copy */
  join(fileId: number, upload: () => Promise<string>): Promise<string> {
    const running = this.#running.get(fileId);
    if (running) return running;
    const begun = this.#semaphore.run(upload).finally(() => this.#running.delete(fileId));
    // Nobody may wait for it any more when it fails.
    begun.catch(() => undefined);
    this.#running.set(fileId, begun);
    return begun;
  }
}

/**
 * Sends a file to the provider of the model, unless it has a valid copy.
 * @returns the address of the copy
 * @throws ModelError when the provider does not take the file, or it is gone
 */
export async function copyOf(
  ctx: Ctx,
  provider: ModelFiles,
  file: ReadableFile,
  mediaType: string,
): Promise<string> {
  if (file.uri !== null) return file.uri;
  return await ctx.answers.fileUploads.join(file.file_id, () =>
    upload(ctx, provider, file, mediaType),
  );
}

async function upload(
  ctx: Ctx,
  provider: ModelFiles,
  file: ReadableFile,
  mediaType: string,
): Promise<string> {
  const name = provider.newName();
  await notePendingCopy(ctx.sql, name, pendingSeconds);
  let isStored = false;
  let outcome: "ok" | "failed" = "ok";
  try {
    const { key, size } = file;
    const read = async (start: number, end: number) => {
      const stream = await ctx.files.read(key, { start, end });
      if (!stream) throw new ModelError("The file is gone.");
      return new Uint8Array(await new Response(stream).arrayBuffer());
    };
    const signal = AbortSignal.timeout(uploadMs);
    const { uri, expiresAt } = await provider.upload({ name, mediaType, size, read }, signal);
    const inserted = await insertCopy(ctx.sql, { fileId: file.file_id, name, uri, expiresAt });
    ({ isStored } = inserted);
    if (inserted.uri === null) throw new ModelError("The file is gone.");
    return inserted.uri;
  } catch (error) {
    outcome = "failed";
    throw error;
  } finally {
    ctx.telemetry.metrics.modelCopyEnded("sent", outcome);
    if (!isStored) {
      // Without it, the copy is removed later.
      await discardPendingCopy(ctx.sql, name).catch((error: unknown) => {
        ctx.log.warn({ err: error }, "a copy of a file that is not needed could not be noted");
      });
    }
  }
}

const removalsMax = 100;
const removalsAtOnce = 4;
/** Other servers leave removals alone for this time. It is longer than the removals of a call take. */
const leaseSeconds = 300;
const firstDelaySeconds = 60;
/** Google keeps a file for 48 hours. */
const keptHours = 49;

/**
 * Removes copies whose files were deleted, a bounded number in each call. Several servers may call it at once.
 * @returns whether there were any
 */
export async function removeCopies(ctx: Ctx): Promise<boolean> {
  const provider = ctx.model.files;
  if (!provider || ctx.lifecycle.closing) return false;
  const names = await takeCopyRemovals(ctx.sql, { limit: removalsMax, leaseSeconds });
  for (let at = 0; at < names.length; at += removalsAtOnce) {
    await Promise.all(
      names.slice(at, at + removalsAtOnce).map(async (name) => {
        try {
          await provider.remove(name);
        } catch (error) {
          ctx.telemetry.metrics.modelCopyEnded("removed", "failed");
          ctx.log.warn({ err: error }, "a copy of a deleted file could not be removed yet");
          return await delayCopyRemoval(ctx.sql, name, {
            firstSeconds: firstDelaySeconds,
            keptHours,
          });
        }
        ctx.telemetry.metrics.modelCopyEnded("removed", "ok");
        await deleteCopyRemoval(ctx.sql, name);
      }),
    );
  }
  return names.length > 0;
}
