// The question contains the script of its answer, so that the model's process needs no other instructions.
import { answer, finish, pause, say, type Script } from "../world/gemini/script.ts";

/** The first piece comes at once, the others one every so often. */
export interface Shape {
  pieces: number;
  /** Characters, all ASCII. */
  pieceLength: number;
  everyMs: number;
}

export function questionOf({ pieces, pieceLength, everyMs }: Shape): string {
  return `Write ${pieces} pieces of ${pieceLength} characters, one every ${everyMs} ms.`;
}

function shapeOf(text: string): Shape {
  const found = [...text.matchAll(/(\d+) pieces of (\d+) characters, one every (\d+) ms/g)].at(-1);
  if (!found) throw new Error(`the model was asked something else: ${text}`);
  const [, pieces, pieceLength, everyMs] = found.map(Number);
  return { pieces: pieces ?? 0, pieceLength: pieceLength ?? 0, everyMs: everyMs ?? 0 };
}

/** No two pieces are the same: one that is lost, doubled or out of order is seen. */
function piecesOf({ pieces, pieceLength }: Shape): string[] {
  return Array.from({ length: pieces }, (_, index) => `${index} `.padEnd(pieceLength, "words "));
}

export function textOf(shape: Shape): string {
  return piecesOf(shape).join("");
}

/** @param text the last that was said to the model: the newest question is at its end */
export function scriptFor(text: string): Script {
  const shape = shapeOf(text);
  const steps = piecesOf(shape).flatMap((piece, index) =>
    index === 0 || shape.everyMs === 0 ? [say(piece)] : [pause(shape.everyMs), say(piece)],
  );
  return answer(...steps, finish());
}
