import type { Caller } from "../accounts/access-tokens.ts";
import type { Ctx } from "../context.ts";
import type { AnswerContext } from "../wire/answers.ts";
import { Problem } from "../wire/problems.ts";
import { getMessage } from "../chats/get-message.ts";
import { findAnswerContext } from "./prompt/receipt-queries.ts";

/** Returns the receipt of an answer: the messages and settings that it was made from. @throws Problem `not_found` */
export async function getAnswerContext(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  messageId: number,
): Promise<AnswerContext> {
  const context = await findAnswerContext(ctx.sql, caller.id, chatId, messageId);
  if (context) return context;
  await getMessage(ctx, caller, chatId, messageId);
  throw new Problem("not_found", "This message is no answer that the model has made.");
}
