import type { Caller } from "../accounts/access-tokens.ts";
import { chatNotFound } from "../chats/actions.ts";
import type { Ctx } from "../context.ts";
import { isBlank } from "../model/blank-text.ts";
import type { Message, SendMessageInput } from "../wire/messages.ts";
import { Problem } from "../wire/problems.ts";
import { findIsAiChat } from "./question-queries.ts";
import { asksBot, asksForPicture, hasNoQuestion, questionOf } from "./question.ts";
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

/**
 * A reply, and a message with files, may call the model without words: the question is about these.
 * @throws Problem `invalid` for `/bot` or `@Gemini` without a question
 */
export function refuseEmptyQuestion({
  content,
  reply_to: replyTo,
  attachment_ids: attachmentIds,
}: SendMessageInput): void {
  if (!hasNoQuestion(content) || replyTo != null || (attachmentIds ?? []).length > 0) return;
  throw noQuestion(content);
}

/** The refusal of `/bot` or `@Gemini` without a question. */
export function noQuestion(content: string): Problem {
  const detail = detailOf(content);
  return new Problem("invalid", detail, { errors: [{ pointer: "/content", detail }] });
}

function detailOf(content: string): string {
  if (asksForPicture(content)) return "Write after /image what the picture shows.";
  if (!asksBot(content)) return "Write your question.";
  return isBlank(questionOf(content))
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
  refuseEmptyQuestion(input);
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
  { content, client_id, reply_to: replyTo, attachment_ids: attachmentIds }: SendMessageInput,
  log: QuestionLog,
): Promise<Message> {
  const question = {
    user_id: caller.id,
    username: caller.username,
    content,
    reply_to: replyTo ?? null,
    attachments: (attachmentIds ?? []).map((id) => ({ id })),
  };
  const clientId = client_id ?? undefined;
  const reservation = await Reservation.make(ctx, caller, chatId, { question, clientId });
  if (reservation === "known") {
    // A retry needs no reservation: the answer to its question has had one.
    const message = await log.find();
    if (!message) throw chatNotFound();
    return message;
  }
  // The model sees no file that the room can't see yet. A question with a client id may be on its way to another server as well, or
  // be stored though the reply is lost, and would be asked there, too.
  if (question.attachments.length === 0 && clientId === undefined) reservation.askAhead();
  try {
    const { message, answer } = await log.store(reservation.runId);
    if (answer) await reservation.start(message, answer);
    else await reservation.release();
    return message;
  } catch (error) {
    await reservation.release(error);
    throw error;
  }
}
