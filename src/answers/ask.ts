import type { Caller } from "../accounts/access-tokens.ts";
import type { Ctx } from "../context.ts";
import type { Message, SendMessageInput } from "../wire/messages.ts";
import { Problem } from "../wire/problems.ts";
import { findIsAiChat } from "./question-queries.ts";
import { asksBot, hasNoQuestion, questionOf } from "./question.ts";
import { Reservation } from "./reservation.ts";

/** Stores and finds the question as the message that it is. */
export interface QuestionLog {
  /**
   * Stores the question with an empty, streaming answer.
   * @returns without `answer` when the client id had been used before
   */
  store(runId: number): Promise<{ message: Message; answer: Message | undefined }>;
  /** Finds the question by its client id. */
  find(): Promise<Message | undefined>;
}

/** Tells whether a message asks the model: it begins with /bot or mentions @Gemini, or its chat is an AI chat. */
export async function isQuestion(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  content: string,
): Promise<boolean> {
  if (asksBot(content)) return true;
  const { aiChats } = ctx.answers;
  const known = aiChats.find(chatId);
  if (known !== undefined) return known;
  const isAiChat = await findIsAiChat(ctx.sql, caller.id, chatId);
  if (isAiChat !== undefined) aiChats.remember(chatId, isAiChat);
  return isAiChat ?? false;
}

/** @throws Problem `invalid` for `/bot` or `@Gemini` without a question */
export function refuseEmptyQuestion(content: string): void {
  if (!hasNoQuestion(content)) return;
  const detail = detailOf(content);
  throw new Problem("invalid", detail, { errors: [{ pointer: "/content", detail }] });
}

function detailOf(content: string): string {
  if (content === "") return "Write a question beside the files: here every message asks Gemini.";
  return questionOf(content) === ""
    ? "Write your question after /bot."
    : "Write your question beside @Gemini.";
}

/**
 * Reserves an answer, stores the question with it, and makes the answer in the background. A `client_id` that was used
 * before returns the first question.
 * @throws Problem `invalid` without a question, `not_found`, `quota_exceeded`, `bot_not_configured`, `unavailable`
 */
export async function ask(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  input: SendMessageInput,
  log: QuestionLog,
): Promise<Message> {
  refuseEmptyQuestion(input.content);
  const askOnce = () => reserveAndStore(ctx, caller, chatId, input, log);
  if (input.client_id == null) return await askOnce();
  const key = `${chatId} ${caller.id} ${input.client_id}`;
  return await ctx.answers.inFlight.inTurn(key, async (isRetry) => {
    const stored = isRetry ? await log.find() : undefined;
    return stored ?? (await askOnce());
  });
}

async function reserveAndStore(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  { content, reply_to: replyTo = null }: SendMessageInput,
  log: QuestionLog,
): Promise<Message> {
  let reservation: Reservation;
  try {
    const question = { username: caller.username, content, reply_to: replyTo };
    reservation = await Reservation.make(ctx, caller, chatId, question);
  } catch (error) {
    // A retry needs no reservation: the answer to its question has had one.
    const message = await log.find();
    if (!message) throw error;
    return message;
  }
  try {
    const { message, answer } = await log.store(reservation.runId);
    if (answer) reservation.start(message, answer);
    else await reservation.release();
    return message;
  } catch (error) {
    await reservation.release(error);
    throw error;
  }
}
