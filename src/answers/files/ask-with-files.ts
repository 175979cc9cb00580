// A question with files: they are read, and the model is asked. A file that it cannot read does not cost the room its answer.
import type { Ctx } from "../../context.ts";
import {
  FilesRefused,
  type Delta,
  type Prompt,
  type StreamAnswer,
} from "../../model/stream-answer.ts";
import type { BuiltPrompt } from "../prompt/prompt.ts";
import { updateReceiptFiles, type ReceiptFile } from "../prompt/receipt-queries.ts";
import type { PlacedFile } from "../prompt/turns.ts";
import { speakerCode } from "../text/speaker-labels.ts";
import { deleteCopies, findReadableFiles } from "./queries.ts";
import { allUnreadable, resolveFiles, turnsForModel, type Outcomes } from "./resolve.ts";

export interface FilesCall {
  chatId: number;
  prompt: BuiltPrompt;
  outcomes: Outcomes;
  /** Called when fewer files were read than `outcomes` says. */
  onChange: (outcomes: Outcomes) => Promise<void>;
}

/**
 * Asks the model. If its provider no longer has a file, the files are sent again, once. If it cannot read one, it is asked without
 * files, which are named as not readable then.
 * @throws what the StreamAnswer throws
 */
export async function* askWithFiles(
  ctx: Ctx,
  streamAnswer: StreamAnswer,
  { chatId, prompt, outcomes: first, onChange }: FilesCall,
  request: Omit<Prompt, "system" | "turns">,
  signal: AbortSignal,
): AsyncGenerator<Delta> {
  const code = speakerCode(ctx.config.secretKey, chatId);
  let outcomes = first;
  for (let tries = 1; ; tries += 1) {
    const turns = turnsForModel(prompt.turns, outcomes, code);
    let hasBegun = false;
    try {
      for await (const delta of streamAnswer(
        { ...request, system: prompt.system, turns },
        signal,
      )) {
        hasBegun = true;
        yield delta;
      }
      return;
    } catch (error) {
      if (!(error instanceof FilesRefused) || hasBegun || tries > 2) throw error;
      const isUnknown = error.reason === "unknown" && tries === 1;
      if (isUnknown) await forget(ctx, chatId, outcomes);
      outcomes = isUnknown
        ? await resolveFiles(ctx, chatId, prompt.files, signal)
        : allUnreadable(outcomes);
      await onChange(outcomes);
    }
  }
}

/** Forgets the copies of a request: Google does not always tell which of them it no longer has. */
async function forget(ctx: Ctx, chatId: number, outcomes: Outcomes): Promise<void> {
  const ids = Array.from(outcomes, ([id, outcome]) =>
    "source" in outcome && "uri" in outcome.source ? [id] : [],
  ).flat();
  const files = await findReadableFiles(ctx.sql, chatId, ids);
  await deleteCopies(
    ctx.sql,
    files.map(({ file_id: fileId }) => fileId),
  );
}

/** The files of a prompt for its receipt. @param questionId of the message whose own files have no message yet */
export function receiptFiles(
  placed: readonly PlacedFile[],
  outcomes: Outcomes,
  questionId: number,
): ReceiptFile[] {
  return placed.map(({ file, messageId }) => {
    const outcome = outcomes.get(file.id);
    const reason = outcome && "reason" in outcome ? outcome.reason : null;
    return { attachment_id: file.id, message_id: messageId ?? questionId, reason };
  });
}

/** Notes in a receipt which files the model could not read after all. Never throws: the receipt keeps what was planned then. */
export async function noteFiles(
  ctx: Ctx,
  messageId: number,
  files: readonly ReceiptFile[],
): Promise<void> {
  await updateReceiptFiles(ctx.sql, messageId, files).catch((error: unknown) => {
    ctx.log.warn({ err: error, messageId }, "the files of a receipt could not be updated");
  });
}
