import type { Ctx } from "../context.ts";
import { deleteExpiredCopies } from "./files/queries.ts";
import { deleteOldPictureCounts } from "./pictures/queries.ts";

/** Forgets the model's copies of files that have expired, and counts of days that are over. */
export async function cleanUpAnswers(ctx: Ctx): Promise<void> {
  await deleteExpiredCopies(ctx.sql);
  await deleteOldPictureCounts(ctx.sql);
}
