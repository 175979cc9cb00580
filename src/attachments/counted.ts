import type { Ctx } from "../context.ts";
import type { Attachment } from "../wire/attachments.ts";
import { Problem } from "../wire/problems.ts";

/** Runs an upload, and counts its end for the metrics. */
export async function counted(ctx: Ctx, upload: () => Promise<Attachment>): Promise<Attachment> {
  const { metrics } = ctx.telemetry;
  try {
    const attachment = await upload();
    metrics.uploadEnded("stored", attachment.size);
    return attachment;
  } catch (error) {
    metrics.uploadEnded(error instanceof Problem ? error.code : "internal");
    throw error;
  }
}
