import type { Ctx } from "../../context.ts";
import { speakerCode } from "../text/speaker-labels.ts";
import {
  buildPrompt,
  pastMessagesMax,
  promptBytesMax,
  type BuiltPrompt,
  type Question,
} from "./prompt.ts";
import { findPastMessages, findRepliedTo, type PromptRoom } from "./queries.ts";

/**
 * Reads a room's history before a question, and the message that it replies to, and makes the prompt.
 * @param tokensLeft the most that the prompt may cost; undefined for no limit
 * @param kept the text of an answer that broke off and is to be continued; "" for a new one
 */
export async function readPrompt(
  ctx: Ctx,
  room: PromptRoom,
  question: Question,
  {
    upToSeq,
    tokensLeft,
    kept = "",
  }: { upToSeq: number; tokensLeft?: number | undefined; kept?: string },
): Promise<BuiltPrompt> {
  const tokensMax = ctx.config.gemini.contextTokens;
  const past = await findPastMessages(ctx.sql, room.id, {
    upToSeq,
    limit: pastMessagesMax,
    bytesMax: promptBytesMax(tokensMax, room.token_ratio),
  });
  const repliedTo =
    question.reply_to === null
      ? undefined
      : await findRepliedTo(ctx.sql, room.id, question.reply_to);
  const code = speakerCode(ctx.secretKey, room.id);
  return buildPrompt({ room, code, past, question, repliedTo, tokensMax, tokensLeft, kept });
}
