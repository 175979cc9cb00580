// The choice of the files of a room that go to the model with a question.
import { readableOf, type Readable } from "./file-tokens.ts";
import type { PromptFile } from "./prompt-file.ts";
import type { PastMessage } from "./queries.ts";

/** Files of one prompt. Each costs reading it, and a part of the request. */
const filesMax = 50;
/** The most tokens, and the estimate, of the line that names a file. */
const lineTokens = { estimated: 80, most: 800 };

export interface FileTokens {
  estimated: number;
  most: number;
}

export const noFileTokens: FileTokens = { estimated: 0, most: 0 };

/** The tokens of files with the lines that name them. */
export function tokensOfFiles(readable: Iterable<Readable>): FileTokens {
  let { estimated, most } = noFileTokens;
  for (const file of readable) {
    const tokens = "tokens" in file ? file.tokens : noFileTokens;
    estimated += tokens.estimated + lineTokens.estimated;
    most += tokens.most + lineTokens.most;
  }
  return { estimated, most };
}

/** The files that a question is about: its own, and those of the message that it replies to. They always go along. */
export function filesAskedAbout(files: readonly PromptFile[]): Map<number, Readable> {
  return new Map(files.slice(0, filesMax).map((file) => [file.id, readableOf(file)]));
}

/**
 * Adds the files of a room's history to those that a question is about: the newest, as long as the limits allow. The others are
 * named with the reason.
 * @param past oldest first, as far as it is in the prompt
 * @param limits `estimatedMax` of all files together, `mostMax` of those that are added
 */
export function addFilesOfHistory(
  chosen: Map<number, Readable>,
  past: readonly PastMessage[],
  limits: { estimatedMax: number; mostMax: number },
): void {
  let { estimated } = tokensOfFiles(chosen.values());
  let most = 0;
  for (const file of past.toReversed().flatMap(({ files }) => (files ?? []).toReversed())) {
    if (chosen.has(file.id)) continue;
    // The message is in the prompt, but nothing of its files.
    if (chosen.size >= filesMax) return;
    const readable = readableOf(file);
    const tokens = tokensOfFiles([readable]);
    // Its words are in the prompt already.
    const isSpoken = Boolean(file.transcript);
    const fits =
      !isSpoken &&
      estimated + tokens.estimated <= limits.estimatedMax &&
      most + tokens.most <= limits.mostMax;
    const next: Readable = fits ? readable : { reason: isSpoken ? transcribed : notShown };
    const added = fits ? tokens : tokensOfFiles([next]);
    if (most + added.most > limits.mostMax) return;
    estimated += added.estimated;
    most += added.most;
    chosen.set(file.id, next);
  }
}

const transcribed =
  "the message has what is said in it; whoever asks in a reply to its message lets you hear it";
const notShown =
  "only newer and smaller files of the history go along; whoever asks in a reply to its message lets you read it";
