import type { Attachment } from "../client/attachments.ts";
import type { Message } from "../wire/messages.ts";

/** A piece of an answer: text, and the pictures that stand behind it. */
export interface AnswerPiece {
  text: string;
  pictures: Attachment[];
}

/** The text of an answer and its pictures, in their order. Files without a place stand behind everything. */
export function answerPieces({
  content,
  attachments,
}: Pick<Message, "content" | "attachments">): AnswerPiece[] {
  const pieces: AnswerPiece[] = [];
  let from = 0;
  for (const picture of attachments) {
    const at = Math.min(content.length, picture.at ?? content.length);
    const last = pieces.at(-1);
    if (last && at <= from) {
      last.pictures.push(picture);
      continue;
    }
    pieces.push({ text: content.slice(from, at).trim(), pictures: [picture] });
    from = at;
  }
  const rest = content.slice(from).trim();
  if (rest !== "" || pieces.length === 0) pieces.push({ text: rest, pictures: [] });
  return pieces;
}
