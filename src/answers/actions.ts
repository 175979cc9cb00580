import { setTimeout as delay } from "node:timers/promises";
import type { Caller } from "../accounts/access-tokens.ts";
import { chatNotFound } from "../chats/actions.ts";
import { isParticipant } from "../chats/participant-queries.ts";
import type { Ctx } from "../context.ts";
import { findMessage } from "../log/messages.ts";
import type { AnswerContext, UsageReport } from "../wire/answers.ts";
import { firstStreamFrame } from "../wire/message-frames.ts";
import type { Message } from "../wire/messages.ts";
import { Problem } from "../wire/problems.ts";
import { admit, type Admission } from "./admission.ts";
import { runReply } from "./run.ts";
import { requestStop } from "./budget/queries.ts";
import { createMeter } from "./budget/meter.ts";
import { findAnswerContext } from "./prompt/queries.ts";
import { insertAnswer } from "./queries.ts";
import { asksBot } from "./question.ts";
import { findUsage } from "./budget/usage-queries.ts";

/** Looks for a stop on another node every so often, and for as long as its lease may last. */
const stopPollMs = 100;
const stopPollsMax = 100;

/** Shows an answer that was stored, and makes it in the background. The admission is used up. */
export function beginAnswer(
  ctx: Ctx,
  { question, answer, admission }: { question: Message; answer: Message; admission: Admission },
): void {
  ctx.realtime.toRoom(firstStreamFrame(answer));
  const { place, run, reservedTokens, room, prompt } = admission;
  runReply(ctx, {
    answer,
    question,
    place,
    run,
    reservedTokens,
    room,
    prompt,
    kept: "",
    meter: createMeter(),
    resumeWithinMs: undefined,
  });
}

/** @throws Problem `not_found` for a chat that the caller is not in, and for a message that is not there */
async function getMessage(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  messageId: number,
): Promise<Message> {
  const message = await findMessage(ctx.sql, caller.id, chatId, messageId);
  if (message) return message;
  if (!(await isParticipant(ctx.sql, caller.id, chatId))) throw chatNotFound();
  throw new Problem("not_found", "There is no such message in this chat.");
}

/** Ends a running answer with what it has; any participant may. @throws Problem `not_found`, `answer_ended`, `unavailable` */
export async function stopAnswer(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  messageId: number,
): Promise<Message> {
  const message = await getMessage(ctx, caller, chatId, messageId);
  if (message.status !== "streaming") throw answerEnded();
  const reply = ctx.answers.find(messageId);
  if (reply) {
    ctx.answers.end(reply, "stopped");
    await reply.done;
    const ended = await getMessage(ctx, caller, chatId, messageId);
    if (ended.status !== "streaming") return ended;
    // This server goes down, and had handed it over.
  }
  return await stopElsewhere(ctx, caller, chatId, messageId);
}

/** The node that runs it hears of it at its next checkpoint; if that node is dead, whoever takes the answer over. */
async function stopElsewhere(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  messageId: number,
): Promise<Message> {
  if (!(await requestStop(ctx.sql, messageId))) throw answerEnded();
  for (let polls = 0; polls < stopPollsMax; polls += 1) {
    await delay(stopPollMs);
    const message = await getMessage(ctx, caller, chatId, messageId);
    if (message.status === "streaming") continue;
    ctx.realtime.rooms.expect(chatId, message.updated_seq);
    return message;
  }
  throw new Problem("unavailable", "The answer will be stopped, but not at once. Look again.", {
    retryAfterSeconds: 5,
  });
}

function answerEnded(): Problem {
  return new Problem(
    "answer_ended",
    "This message is no running answer: there is nothing to stop.",
  );
}

/**
 * Makes one more answer to a question, which the caller pays; any participant may.
 * @param messageId the question's, or that of an answer to it
 * @throws Problem `not_found`, `invalid` for what is no question, `answer_running` while there is one to it, and what
 * a question may be refused with
 */
export async function regenerateAnswer(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  messageId: number,
): Promise<Message> {
  const message = await getMessage(ctx, caller, chatId, messageId);
  const question =
    message.answer_to === null ? message : await getMessage(ctx, caller, chatId, message.answer_to);
  const admission = await admit(ctx, caller, chatId, question, question.seq - 1);
  try {
    if (question.is_bot || !(asksBot(question.content) || admission.room.is_ai_chat)) {
      throw new Problem("invalid", "This message asked the model nothing.");
    }
    const answer = await insertAnswer(ctx.sql, caller.id, question, admission.run.id);
    if (answer === undefined) throw chatNotFound();
    if (answer === "running") {
      throw new Problem(
        "answer_running",
        "This question is being answered. Wait for the answer to end, or stop it.",
      );
    }
    beginAnswer(ctx, { question, answer, admission });
    return answer;
  } catch (error) {
    await admission.release(error);
    throw error;
  }
}

/** What an answer was made from. @throws Problem `not_found` */
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

/** What the answers of the caller and of the chats they own have used. @param days back from today, today included */
export async function getUsage(ctx: Ctx, caller: Caller, days: number): Promise<UsageReport> {
  return await findUsage(ctx.sql, caller.id, days, ctx.config.budgets);
}
