import type { Ctx } from "../context.ts";
import {
  deleteExpiredUploads,
  deleteOldCounts,
  deleteRemovals,
  deleteUnsent,
  takeRemovals,
} from "./removal-queries.ts";
import { unsentSeconds } from "./upload-limits.ts";

const pageSize = 100;
/** Pages of one call at most. */
const pagesMax = 20;
/** Other servers leave a page alone for this time. It is longer than the removal of a page takes. */
const leaseSeconds = 300;
const removalsAtOnce = 8;

/**
 * Removes files whose rows are gone, or were never stored, from the store: a bounded number in each call. A name is forgotten after its
 * file is removed, so that a crash repeats the removal. Several servers may call it at once.
 * @returns whether there were any
 */
export async function purgeFiles(ctx: Ctx): Promise<boolean> {
  for (let page = 0; page < pagesMax && !ctx.lifecycle.closing; page += 1) {
    const keys = await takeRemovals(ctx.sql, { limit: pageSize, leaseSeconds });
    if (keys.length === 0) return page > 0;
    for (let at = 0; at < keys.length; at += removalsAtOnce) {
      await Promise.all(keys.slice(at, at + removalsAtOnce).map((key) => ctx.files.remove(key)));
    }
    await deleteRemovals(ctx.sql, keys);
    ctx.telemetry.metrics.filesRemoved(keys.length);
    ctx.log.debug({ removed: keys.length }, "removed files");
  }
  return true;
}

/** Deletes uploads that no message has taken within 24 hours, and what is left of unfinished ones. */
export async function cleanUpUploads(ctx: Ctx): Promise<void> {
  for (let page = 0; page < pagesMax && !ctx.lifecycle.closing; page += 1) {
    const unsent = await deleteUnsent(ctx.sql, { unsentSeconds, limit: pageSize });
    const expired = await deleteExpiredUploads(ctx.sql, pageSize);
    if (unsent + expired > 0) ctx.log.debug({ unsent, expired }, "removed unsent uploads");
    if (unsent < pageSize && expired < pageSize) break;
  }
  await deleteOldCounts(ctx.sql);
}
