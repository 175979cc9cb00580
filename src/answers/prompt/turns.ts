// The turns of a prompt. Each turn of a person, and of the server, begins with a speaker label.
import { isBlank } from "../../model/blank-text.ts";
import type { Turn } from "../../model/stream-answer.ts";
import { botUsername, type Message } from "../../wire/messages.ts";
import type { Readable } from "./file-tokens.ts";
import type { PromptFile } from "./prompt-file.ts";
import { hasNoQuestion, questionOf } from "../question.ts";
import { labelOf, withoutCode } from "../text/speaker-labels.ts";
import type { PastMessage } from "./queries.ts";

/** The speaker of the server's own turns. Usernames have no space, so nobody can be called that. */
export const serverName = "the server";
/** Limits of the part of a replied-to message that is quoted, in UTF-16 units: the first one that fits is used. */
const quoteLengths = [4_000, 1_000, 250];
const noText = "(no text)";

/** A file in a turn. Its bytes are read when the model is asked. */
export interface PlacedFile {
  /** The place in the turn's text before which the file stands, in UTF-16 units. */
  at: number;
  /** Null for the question's, which need not be stored yet. */
  messageId: number | null;
  file: PromptFile;
  readable: Readable;
}

export interface PromptTurn extends Pick<Turn, "role" | "text"> {
  files?: PlacedFile[];
}

/** How each file of a prompt is read, by its id. */
export type ReadableFiles = ReadonlyMap<number, Readable>;

/** The turns of a message without its files. */
export function turnsOf(message: PastMessage, code: string): PromptTurn[] {
  if (!message.is_bot) return [personsTurn(message, code)];
  const text = withoutCode(message.content, code);
  return isBlank(text) ? [] : [{ role: "model", text }];
}

/** Adds the files of a message to its turns. */
export function turnsWithFiles(
  turns: PromptTurn[],
  message: PastMessage,
  code: string,
  readable: ReadableFiles,
): PromptTurn[] {
  const files = placed(message.files ?? [], message.id, readable);
  if (files.length === 0) return turns;
  if (!message.is_bot) return turns.map((turn) => withFiles(turn, files));
  // Some models take files in turns of people only.
  return [...turns, withFiles(serversTurn("You have sent these files in this room.", code), files)];
}

/** The text of a person's message, and what was said in its voice messages. */
function wordsOf({ content, files }: Pick<PastMessage, "content" | "files">): string {
  const spoken = (files ?? []).flatMap(({ transcript }) =>
    transcript ? [`(said in a voice message) ${transcript}`] : [],
  );
  return [questionOf(content), ...spoken].filter((text) => text !== "").join("\n");
}

/** Files that stand before the text of a turn. */
export function placed(
  files: readonly PromptFile[],
  messageId: number | null,
  readable: ReadableFiles,
): PlacedFile[] {
  return files.flatMap((file) => {
    const known = readable.get(file.id);
    return known ? [{ at: 0, messageId, file, readable: known }] : [];
  });
}

export function withFiles(turn: PromptTurn, files: PlacedFile[]): PromptTurn {
  return files.length === 0 ? turn : { ...turn, files };
}

export function personsTurn(
  { username, content, files }: Pick<Message, "username" | "content"> & Pick<PastMessage, "files">,
  code: string,
): PromptTurn {
  const text = withoutCode(wordsOf({ content, files }), code) || noText;
  return { role: "user", text: labelOf(code, username) + text };
}

/** Tells what is asked by a message that only calls the model, or has files alone. */
export function wordlessTurns(content: string, { hasFiles }: { hasFiles: boolean }, code: string) {
  if (!hasNoQuestion(content)) return [];
  const about = hasFiles ? "its files" : "the message that it replies to";
  const text = `The last message asks about ${about} without words: say what you can about it, briefly, and answer a question in it.`;
  return [serversTurn(text, code)];
}

export function serversTurn(text: string, code: string): PromptTurn {
  return { role: "user", text: labelOf(code, serverName) + text };
}

/** Turns that quote the message that the next one replies to, the longest first; none without such a message. */
export function quotations(
  message: PastMessage | undefined,
  code: string,
  readable: ReadableFiles,
): PromptTurn[] {
  if (!message) return [];
  const author = message.is_bot ? botUsername : message.username || "somebody who has left";
  const whole = (message.is_bot ? message.content : wordsOf(message)) || noText;
  const lengths = quoteLengths.filter((length, place) => place === 0 || length < whole.length);
  const files = placed(message.files ?? [], message.id, readable);
  return lengths.map((length) => {
    const part = whole.slice(0, length).toWellFormed();
    const text = withoutCode(part.length < whole.length ? `${part} […]` : part, code);
    const turn = serversTurn(
      `The next message is a reply to this earlier message of ${author}, which is quoted here:\n${text.replaceAll(/^/gm, "> ")}`,
      code,
    );
    return withFiles(turn, files);
  });
}

export function continuation(kept: string, code: string): PromptTurn[] {
  return [
    { role: "model", text: withoutCode(kept, code) },
    serversTurn(
      "Your answer above broke off at its last character. Write only what comes next, from exactly there: repeat " +
        "nothing, begin with a space or a line break if one is due, and do not mention the interruption.",
      code,
    ),
  ];
}

/** Gemini expects the roles to alternate. */
export function merged(turns: PromptTurn[]): PromptTurn[] {
  const result: PromptTurn[] = [];
  for (const turn of turns) {
    const last = result.at(-1);
    if (last?.role !== turn.role) {
      result.push({ ...turn });
      continue;
    }
    const start = last.text.length + 2;
    const moved = (turn.files ?? []).map((file) => ({ ...file, at: file.at + start }));
    last.text += `\n\n${turn.text}`;
    if (moved.length > 0) last.files = [...(last.files ?? []), ...moved];
  }
  return result;
}
