// Pictures that the model has made: stored like uploads, as files of their answers.
import type { Ctx } from "../context.ts";
import { ModelError, type AnswerPicture } from "../model/stream-answer.ts";
import { Problem } from "../wire/problems.ts";
import { insertPicture } from "./picture-queries.ts";
import { prepare } from "./prepare.ts";
import { discard, receive, type Received } from "./receive.ts";
import { scan } from "./scan/scan.ts";
import type { Uploads } from "./uploads.ts";

const pictureBytesMax = 32 * 1024 * 1024;

/**
 * Stores a picture of a running answer. After a failure, or when the answer is gone, nothing is left of it.
 * @throws ModelError for what is no picture, Problem `unavailable`, `store_full`
 */
export async function keepPicture(
  ctx: Ctx,
  uploads: Uploads,
  picture: AnswerPicture,
): Promise<void> {
  async function* chunks() {
    yield picture.bytes;
  }
  const { length } = picture.bytes;
  if (length === 0 || length > pictureBytesMax) {
    throw new ModelError("Gemini sent a picture that cannot be stored.");
  }
  const refusal = () => new Problem("too_large", "The picture is too large.");
  const received = await receive(ctx, chunks(), { bytesMax: pictureBytesMax, refusal });
  const written = [received.key];
  let isStored = false;
  try {
    await scanned(ctx, uploads, received, picture.chatId);
    const file = await prepare(ctx, uploads, received, written);
    if (file.kind !== "image") throw new ModelError("Gemini sent a picture that cannot be shown.");
    const name = `picture-${picture.place}.${file.mediaType.split("/")[1] ?? "png"}`;
    const inserted = await insertPicture(ctx.sql, picture, { ...file, name }, received.sha256);
    isStored = inserted.isNew;
    if (isStored) {
      const keys = new Set([file.key, ...file.thumbnails.map(({ key }) => key)]);
      const unused = written.filter((key) => !keys.has(key));
      if (unused.length > 0) await discard(ctx, unused);
    }
  } finally {
    if (!isStored) await discard(ctx, written);
  }
}

/** @throws ModelError for a picture that the scanner does not let pass, in words for the room */
async function scanned(ctx: Ctx, uploads: Uploads, received: Received, chatId: number) {
  try {
    await scan(ctx, uploads, undefined, received, `chat:${chatId}`);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const detail =
      error.code === "infected"
        ? "Gemini sent a picture that has malware. It was not stored."
        : "The picture could not be checked for malware. Try again later.";
    throw new ModelError(detail, { cause: error });
  }
}
