import type { Ctx } from "../../context.ts";
import type { Message } from "../../wire/messages.ts";
import { speakerCode } from "../text/speaker-labels.ts";
import { buildPrompt, pastMessagesMax, promptBytesMax, type BuiltPrompt } from "./prompt.ts";
import { findPastMessages, type PromptRoom } from "./queries.ts";

/**
 * Reads a room's history before a question and makes the prompt.
 * @param tokensLeft the most that the prompt may cost; undefined for no limit
 * @param kept the text of an answer that broke off and is to be continued; "" for a new one
 */
export async function readPrompt(
  ctx: Ctx,
  room: PromptRoom,
  question: Pick<Message, "username" | "content">,
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
  const code = speakerCode(ctx.secretKey, room.id);
  return buildPrompt({ room, code, past, question, tokensMax, tokensLeft, kept });
}
