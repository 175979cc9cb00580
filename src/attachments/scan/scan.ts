// Every upload and every picture of the model is scanned before anything is made of it, if a scanner is set.
import type { Caller } from "../../accounts/access-tokens.ts";
import { record } from "../../audit/audit.ts";
import type { Ctx } from "../../context.ts";
import { Problem } from "../../wire/problems.ts";
import type { Received } from "../receive.ts";
import type { Uploads } from "../uploads.ts";
import { scanWithClamd, type Verdict } from "./clamd.ts";

const retryAfterSeconds = 30;

/**
 * Refuses a file that is infected, and one that cannot be scanned unless SCAN_FAILURE allows it.
 * @param uploader undefined for a picture of the model
 * @param target the chat or the person that it is for
 * @throws Problem `infected`, `unavailable` while the scanner is away, `too_large` for what it does not take
 */
export async function scan(
  ctx: Ctx,
  { scans }: Uploads,
  uploader: Caller | undefined,
  received: Received,
  target: `chat:${number}` | `user:${number}`,
): Promise<void> {
  const settings = ctx.config.files.scan;
  if (!settings) return;
  const { metrics } = ctx.telemetry;
  const verdict = await scans.run(() => askScanner(ctx, received));
  metrics.fileScanned(verdict?.outcome ?? "failed");
  if (verdict?.outcome === "clean") return;
  if (verdict?.outcome === "infected") {
    const details = {
      signature: verdict.signature,
      sha256: received.sha256.toString("hex"),
      bytes: received.size,
    };
    if (uploader) {
      const { source } = uploader;
      const event = { action: "upload_file", outcome: "infected" } as const;
      await record(ctx, { ...event, actor: uploader, target, details, source });
    } else ctx.log.error({ ...details, target }, "a picture of the model has malware");
    throw new Problem(
      "infected",
      `The file has malware (${verdict.signature}) and was not stored.`,
    );
  }
  if (settings.allowsFailure) return;
  if (verdict) {
    throw new Problem("too_large", "The file is too large to be checked for malware.");
  }
  throw new Problem(
    "unavailable",
    "Files cannot be checked for malware at the moment, so that none are taken. Try again in a while.",
    { retryAfterSeconds },
  );
}

/** @returns undefined if the scanner is away */
async function askScanner(ctx: Ctx, { key, size }: Received): Promise<Verdict | undefined> {
  const settings = ctx.config.files.scan;
  if (!settings) return undefined;
  const file = await ctx.files.read(key);
  if (!file) throw new Error("a file that was just written is missing");
  try {
    return await scanWithClamd(settings.address, file);
  } catch (error) {
    ctx.log.error({ err: error, size }, "a file could not be scanned for malware");
    return undefined;
  }
}
