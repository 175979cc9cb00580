import { chatNotFound } from "../chats/actions.ts";
import type { Ctx } from "../context.ts";
import { Problem } from "../wire/problems.ts";
import { findUsage } from "./queries.ts";
import { unsentMax } from "./upload-limits.ts";

const daySeconds = 24 * 60 * 60;

/**
 * Refuses an upload that cannot succeed before its bytes are read. A retry counts for no limit: its client id is known.
 * @param bytes of the file, as far as they are known
 * @throws Problem `not_found` for a chat that the person is not in, `too_large`, `quota_exceeded`, `too_many_uploads`
 */
export async function checkUpload(
  ctx: Ctx,
  userId: number,
  chatId: number,
  { bytes, clientId }: { bytes: number; clientId: string | null },
): Promise<void> {
  const usage = await findUsage(ctx.sql, userId, chatId, clientId);
  if (!usage) throw chatNotFound();
  const { bytesMax, userDayBytes, chatDayBytes } = ctx.config.files;
  if (bytes > bytesMax) throw tooLarge(ctx);
  if (usage.is_known) return;
  if (userDayBytes > 0 && usage.user_bytes + bytes > userDayBytes) {
    throw quotaExceeded(ctx, "user_quota");
  }
  if (chatDayBytes > 0 && usage.chat_bytes + bytes > chatDayBytes) {
    throw quotaExceeded(ctx, "chat_quota");
  }
  if (usage.unsent >= unsentMax) {
    throw new Problem(
      "too_many_uploads",
      `You have uploaded ${unsentMax} files to this chat that no message has. Send or delete some.`,
    );
  }
}

export function tooLarge({ config }: Ctx): Problem {
  return new Problem("too_large", `A file may have at most ${inWords(config.files.bytesMax)}.`);
}

function inWords(bytes: number): string {
  const mebibytes = bytes / (1024 * 1024);
  return mebibytes >= 1 ? `${Number(mebibytes.toFixed(1))} MB` : `${bytes} bytes`;
}

export function quotaExceeded(ctx: Ctx, scope: "user_quota" | "chat_quota"): Problem {
  const seconds = Math.floor(ctx.now().getTime() / 1000);
  const whose = scope === "user_quota" ? "You have uploaded" : "This chat was sent";
  return new Problem("quota_exceeded", `${whose} too many bytes today. Try again tomorrow.`, {
    retryAfterSeconds: daySeconds - (seconds % daySeconds),
  });
}

export function emptyFile(): Problem {
  const detail = "The file is empty. Send its bytes as the body.";
  return new Problem("invalid", detail, { errors: [{ pointer: "", detail }] });
}
