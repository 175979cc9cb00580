// Reads the files of a prompt when the model is asked: small ones go along, of larger ones the provider gets a copy.
import type { Ctx } from "../../context.ts";
import { readWhole } from "../../file-store/file-store.ts";
import { ModelError, type Turn, type TurnFile } from "../../model/stream-answer.ts";
import { within } from "../../schedule.ts";
import type { PlacedFile, PromptTurn } from "../prompt/turns.ts";
import { serverName } from "../prompt/turns.ts";
import { labelOf, withoutCode } from "../text/speaker-labels.ts";
import { copyOf } from "./copies.ts";
import type { Readable } from "../prompt/file-tokens.ts";
import { findReadableFiles, type ReadableFile } from "./queries.ts";

/** A file up to this size goes along with each request. */
const inlineBytesMax = 1024 * 1024;
/** The bytes that go along with one request. Google's limit of a request is 20 MB at least, in base64. */
const requestBytesMax = 8 * 1024 * 1024;

/** The outcome for a file: the model gets it, or is told why it does not. */
export type Outcome = Pick<TurnFile, "mediaType" | "source"> | { reason: string };
export type Outcomes = ReadonlyMap<number, Outcome>;

export const gone = "it was deleted";
const unreachable = "it could not be loaded in time";
const unreadable = "Gemini could not read it";

/**
 * Reads the files of a prompt. It never throws because of a file: one that cannot be read has a reason.
 * @param signal ends the wait
 * @throws the signal's reason, and errors of the database
 */
export async function resolveFiles(
  ctx: Ctx,
  chatId: number,
  placed: readonly PlacedFile[],
  signal: AbortSignal,
): Promise<Outcomes> {
  const outcomes = new Map<number, Outcome>();
  const wanted = new Map<number, Exclude<Readable, { reason: string }>>();
  for (const { file, readable } of placed) {
    if ("reason" in readable) outcomes.set(file.id, readable);
    else wanted.set(file.id, readable);
  }
  const found = await findReadableFiles(ctx.sql, chatId, [...wanted.keys()]);
  const byId = new Map(found.map((file) => [file.id, file]));
  let bytesLeft = requestBytesMax;
  const reads: Promise<void>[] = [];
  for (const [id, readable] of wanted) {
    const file = byId.get(id);
    if (!file) {
      outcomes.set(id, { reason: gone });
      continue;
    }
    const size = readable.isPreview ? (file.preview?.length ?? 0) : file.size;
    const isInline = readable.isPreview || (size <= inlineBytesMax && size <= bytesLeft);
    if (isInline) bytesLeft -= size;
    outcomes.set(id, { reason: unreachable });
    reads.push(
      read(ctx, file, readable, isInline).then((outcome) => void outcomes.set(id, outcome)),
    );
  }
  await waitFor(reads, ctx.answers.fileUploads.waitMs, signal);
  return new Map(outcomes);
}

async function waitFor(reads: Promise<void>[], waitMs: number, signal: AbortSignal): Promise<void> {
  if (reads.length === 0) return;
  const aborted = Promise.withResolvers<void>();
  const onAbort = () => aborted.resolve();
  signal.addEventListener("abort", onAbort);
  try {
    await within(waitMs, Promise.race([Promise.all(reads), aborted.promise]));
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
  signal.throwIfAborted();
}

async function read(
  ctx: Ctx,
  file: ReadableFile,
  { mediaType, isPreview }: Exclude<Readable, { reason: string }>,
  isInline: boolean,
): Promise<Outcome> {
  const provider = ctx.model.files;
  if (!provider) return { reason: "this server has no model that reads files" };
  try {
    if (!isInline)
      return { mediaType, source: { uri: await copyOf(ctx, provider, file, mediaType) } };
    const bytes = await readWhole(ctx.files, isPreview ? (file.preview?.key ?? "") : file.key);
    return bytes ? { mediaType, source: { bytes } } : { reason: gone };
  } catch (error) {
    const cause = error instanceof ModelError ? (error.cause ?? error.detail) : error;
    ctx.log.warn({ attachmentId: file.id, err: cause }, "a file could not be given to the model");
    return { reason: unreachable };
  }
}

/** The outcome of files that the model has refused. */
export function allUnreadable(outcomes: Outcomes): Outcomes {
  return new Map(
    Array.from(outcomes, ([id, outcome]) => [
      id,
      "reason" in outcome ? outcome : { reason: unreadable },
    ]),
  );
}

/** The turns for the model: a line of the server before each file names it, or tells why it is not there. */
export function turnsForModel(
  turns: readonly PromptTurn[],
  outcomes: Outcomes,
  code: string,
): Turn[] {
  return turns.map(({ role, text, files = [] }) => {
    if (files.length === 0) return { role, text };
    const shown: TurnFile[] = [];
    let whole = "";
    let from = 0;
    for (const { at, file } of files) {
      whole += text.slice(from, at);
      from = at;
      const outcome = outcomes.get(file.id) ?? { reason: gone };
      const name = JSON.stringify(withoutCode(file.name, code));
      const subject = `${labelOf(code, serverName)}The file ${name} (${file.media_type}) of the next message`;
      if ("reason" in outcome) {
        whole += `${subject} cannot be read by you, because ${outcome.reason}.\n`;
      } else {
        whole += `${subject} stands here:\n`;
        shown.push({ at: whole.length, ...outcome });
      }
    }
    return { role, text: whole + text.slice(from), files: shown };
  });
}
