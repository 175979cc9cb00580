// The way of a body's bytes into the store.
import type { Ctx } from "../context.ts";
import { Problem } from "../wire/problems.ts";
import { headBytes } from "./media-types.ts";
import { discardPending, notePending } from "./removal-queries.ts";
import { pendingSeconds } from "./upload-limits.ts";

/** A file that is stored and has no row yet. */
export interface Received {
  key: string;
  size: number;
  sha256: Buffer;
  /** The first {@link headBytes}, or all of the file. */
  head: Uint8Array;
}

/**
 * Writes bytes to the store as they arrive, and computes their hash. After a failure nothing is left of them.
 * @param chunks each is valid until the next one is requested
 * @param bytesMax more are refused with `refusal`
 * @throws Problem `store_full`, `unavailable`, the refusal, and whatever the chunks throw
 */
export async function receive(
  ctx: Ctx,
  chunks: AsyncIterable<Uint8Array>,
  { bytesMax, refusal }: { bytesMax: number; refusal: () => Problem },
): Promise<Received> {
  const key = newKey();
  await notePending(ctx.sql, [key], pendingSeconds);
  const hasher = new Bun.CryptoHasher("sha256");
  const head: Uint8Array[] = [];
  let size = 0;
  async function* observed() {
    for await (const chunk of chunks) {
      if (size < headBytes) head.push(chunk.slice(0, headBytes - size));
      size += chunk.length;
      if (size > bytesMax) throw refusal();
      hasher.update(chunk);
      yield chunk;
    }
  }
  try {
    await ctx.files.write(key, observed());
    return { key, size, sha256: hasher.digest(), head: Buffer.concat(head) };
  } catch (error) {
    await discard(ctx, [key]);
    throw error;
  }
}

/** A name in the store that nobody can guess or choose. */
export function newKey(): string {
  return crypto.randomUUID();
}

/** Notes that files are to be removed soon. Never throws: without the note they are removed later. */
export async function discard(ctx: Ctx, keys: readonly string[]): Promise<void> {
  await discardPending(ctx.sql, keys).catch((error: unknown) => {
    ctx.log.warn(
      { err: error },
      "files that are not needed could not be noted; they are removed in a day",
    );
  });
}
