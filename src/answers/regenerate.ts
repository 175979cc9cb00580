import type { Caller } from "../accounts/access-tokens.ts";
import { chatNotFound } from "../chats/actions.ts";
import type { Ctx } from "../context.ts";
import type { Message } from "../wire/messages.ts";
import { Problem } from "../wire/problems.ts";
import { getMessage } from "../chats/get-message.ts";
import { hasAsked } from "./question-queries.ts";
import { insertAnswer } from "./queries.ts";
import { asksBot } from "./question.ts";
import { Reservation, storedTooLate } from "./reservation.ts";

/**
 * Makes one more answer to a question. Any participant but a bot may, and pays for it.
 * @param messageId the id of the question, or of an answer to it
 * @throws Problem `not_found`, `message_deleted` for a question that was deleted, `forbidden` for bots, `invalid` for a message that is no question, such as one of a bot,
 * `answer_running` while there is an answer that streams, and the refusals of a question
 */
export async function regenerateAnswer(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  messageId: number,
): Promise<Message> {
  if (caller.grant?.isBot) throw new Problem("forbidden", "A bot cannot ask the model.");
  const message = await getMessage(ctx, caller, chatId, messageId);
  const question =
    message.answer_to === null ? message : await getMessage(ctx, caller, chatId, message.answer_to);
  if (question.deleted_at !== null) throw questionDeleted();
  const reservation = await Reservation.make(ctx, caller, chatId, {
    question,
    clientId: undefined,
    upToSeq: question.seq - 1,
  });
  if (reservation === "known") throw new Error("a question without a client id was known");
  try {
    const asks = asksBot(question.content) || reservation.room.is_ai_chat;
    // A question stays one, also when it was edited so that it no longer asks.
    if (question.is_bot || !(await hasAsked(ctx.sql, question, asks))) {
      throw new Problem("invalid", "This message asked the model nothing.");
    }
    const answer = await insertAnswer(ctx.sql, caller.id, question, reservation.runId);
    if (answer === undefined) throw chatNotFound();
    if (answer === "deleted") throw questionDeleted();
    if (answer === "late") throw storedTooLate();
    if (answer === "running") {
      throw new Problem(
        "answer_running",
        "This question is being answered. Wait for the answer to end, or stop it.",
      );
    }
    await reservation.start(question, answer);
    return answer;
  } catch (error) {
    await reservation.release(error);
    throw error;
  }
}

function questionDeleted(): Problem {
  return new Problem("message_deleted", "The question was deleted.");
}
