import type { Ctx } from "../../context.ts";
import { speakerCode } from "../text/speaker-labels.ts";
import { promptBytesMax, tokenRatioMin } from "../text/token-estimates.ts";
import { buildPrompt, pastMessagesMax, type BuiltPrompt, type Question } from "./prompt.ts";
import { findFilesOfQuestion } from "./prompt-file.ts";
import { findPastMessages, findRepliedTo, type PastMessage, type PromptRoom } from "./queries.ts";

/** The messages that a prompt can hold. @param tokenRatio the room's, if it is known */
export function pastRange(ctx: Ctx, upToSeq: number, tokenRatio = tokenRatioMin) {
  const bytesMax = promptBytesMax(ctx.config.gemini.contextTokens, tokenRatio);
  return { upToSeq, limit: pastMessagesMax, bytesMax };
}

/**
 * Reads a room's history before a question, and the message that it replies to, and makes the prompt.
 * @param known the history, if it was read already
 * @param tokensLeft the most that the prompt may cost; undefined for no limit
 * @param kept the text of an answer that broke off and is to be continued; "" for a new one
 */
export async function readPrompt(
  ctx: Ctx,
  room: PromptRoom,
  question: Question,
  {
    upToSeq,
    known,
    tokensLeft,
    kept = "",
  }: {
    upToSeq: number;
    known?: PastMessage[] | undefined;
    tokensLeft?: number | undefined;
    kept?: string;
  },
): Promise<BuiltPrompt> {
  const { contextTokens: tokensMax, fileTokens: fileTokensMax } = ctx.config.gemini;
  const ids = question.attachments.map(({ id }) => id);
  const [past, repliedTo, files] = await Promise.all([
    known ?? findPastMessages(ctx.sql, room.id, pastRange(ctx, upToSeq, room.token_ratio)),
    question.reply_to === null ? undefined : findRepliedTo(ctx.sql, room.id, question.reply_to),
    findFilesOfQuestion(ctx.sql, { chatId: room.id, userId: question.user_id, ids }),
  ]);
  const code = speakerCode(ctx.config.secretKey, room.id);
  return buildPrompt({
    room,
    code,
    past,
    question: { ...question, files },
    repliedTo,
    tokensMax,
    fileTokensMax: fileTokensMax > 0 ? fileTokensMax : Infinity,
    tokensLeft,
    kept,
  });
}
