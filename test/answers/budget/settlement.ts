// Compares the costs of answers in the tables with the rules that hold whenever no answer runs.
import { expect } from "bun:test";
import { z } from "zod";
import { finish, type EventsStep } from "../../world/gemini/script.ts";
import type { Person, World } from "../../world/world.ts";

const Account = z.object({ running: z.int(), reserved_tokens: z.int(), used_tokens: z.int() });
const Total = z.object({ kind: z.string(), id: z.int(), used: z.int(), charged: z.int() });

/** A last event that says what was counted. */
export function finishAt(prompt: number, answerTokens: number, reason = "STOP"): EventsStep {
  return finish(reason, {
    promptTokenCount: prompt,
    candidatesTokenCount: answerTokens,
    totalTokenCount: prompt + answerTokens,
  });
}

/** A person's or a room's row. */
export async function account(world: World, kind: "user" | "chat", id: number) {
  const [row] = await world.sql`
    select running, reserved_tokens, used_tokens from budgets where kind = ${kind} and id = ${id}
  `;
  return Account.parse(row);
}

/** Nothing is running or reserved, nothing waits to be settled, and every account has used what its days add up to. */
export async function expectSettled(world: World) {
  expect([...(await world.sql`select id, message_id, reserved_tokens from answer_runs`)]).toEqual(
    [],
  );
  expect([
    ...(await world.sql`
      select kind, id, running, reserved_tokens from budgets where running <> 0 or reserved_tokens <> 0
    `),
  ]).toEqual([]);
  const totals = await world.sql`
    select b.kind, b.id, b.used_tokens as used, coalesce(sum(d.total_tokens), 0)::bigint as charged
    from budgets b
    left join usage_days d on d.kind = b.kind and d.id = b.id and d.day = b.day
    group by b.kind, b.id, b.used_tokens
  `;
  for (const { used, charged, ...whose } of z.array(Total).parse([...totals])) {
    expect({ ...whose, used }).toEqual({ ...whose, used: charged });
  }
}

/** Settles when the answers that run in these chats have come to their ends. */
export async function untilQuiet(world: World, ...chats: { id: number }[]) {
  const replies = chats.flatMap(({ id }) => world.ctx.answers.inChat(id, Infinity));
  await Promise.all(replies.map((reply) => reply.done));
}

/** Asks, and waits for the answer's end and for the summary that may be made after it. @returns the question */
export async function askAndSummarise(world: World, from: Person, chatId: number, content: string) {
  const question = await from.say(chatId, content);
  const replies = world.ctx.answers.inChat(chatId, Infinity);
  await replies.find((reply) => reply.messageId === question.id + 1)?.done;
  await untilSummarised(world, chatId);
  return question;
}

/** Settles when no summary of a room is being made. */
export async function untilSummarised(world: World, chatId: number) {
  while (world.ctx.answers.summarising.has(chatId)) await world.sql`select`;
}
