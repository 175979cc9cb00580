import { setTimeout as delay } from "node:timers/promises";
import type { Caller } from "../accounts/access-tokens.ts";
import type { Ctx } from "../context.ts";
import type { Message } from "../wire/messages.ts";
import { Problem } from "../wire/problems.ts";
import { requestStop } from "./budget/queries.ts";
import { getMessage } from "../chats/get-message.ts";

const stopPollMs = 100;
/** The poll for a stop on another node goes on for as long as the lease of that node may last. */
const stopPollMsMax = 10_000;
/** The first polls come earlier: a node that receives the stop over the bus ends the answer at once. */
const firstPollMs = 10;

/**
 * Ends a running answer with the text that it has; any participant may.
 * @throws Problem `not_found`, `answer_ended`, `unavailable`
 */
export async function stopAnswer(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  messageId: number,
): Promise<Message> {
  const message = await getMessage(ctx, caller, chatId, messageId);
  if (message.status !== "streaming") throw answerEnded();
  const running = ctx.answers.find(messageId);
  if (running) {
    running.stop("stopped");
    await running.done;
    const ended = await getMessage(ctx, caller, chatId, messageId);
    if (ended.status !== "streaming") return ended;
    // This server shuts down, and has handed the answer over.
  }
  return await stopElsewhere(ctx, caller, chatId, messageId);
}

/** The node of the answer learns of the stop over the bus, or else at its next checkpoint; if it is dead, the node that recovers the answer does. */
async function stopElsewhere(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  messageId: number,
): Promise<Message> {
  if (!(await requestStop(ctx.sql, messageId))) throw answerEnded();
  ctx.peers.stopRequested(chatId, messageId);
  const until = performance.now() + stopPollMsMax;
  for (let polls = 0; performance.now() < until; polls += 1) {
    await delay(Math.min(stopPollMs, firstPollMs * 2 ** polls));
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
