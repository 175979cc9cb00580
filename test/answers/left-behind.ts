// Answers whose server is gone.
import type { Sql } from "../../src/database/connect.ts";

/** The text of an answer of {@link leftBehind}. */
export const soFar = "So far";

/** An answer as a dead server leaves it behind, its lease to run out in a while. @returns its id */
export async function leftBehind(
  sql: Sql,
  { chat_id: chatId, id: questionId }: { chat_id: number; id: number },
  {
    leaseSeconds,
    reservedTokens = 10_000,
    text = soFar,
  }: { leaseSeconds: number; reservedTokens?: number; text?: string },
): Promise<number> {
  const [row] = await sql`
    with answer as (
      insert into messages (chat_id, content, is_bot, seq, updated_seq, ordinal, status, answer_to)
      select id, ${text}, true, last_seq + 1, last_seq + 1, message_count + 1, 'streaming', ${questionId}
      from chats where id = ${chatId}
      returning id, chat_id
    ),
    run as (
      insert into answer_runs (message_id, chat_id, reserved_tokens, lease_expires_at)
      select id, chat_id, ${reservedTokens}, now() + ${leaseSeconds} * interval '1 second' from answer
    )
    update chats set last_seq = last_seq + 1, message_count = message_count + 1
    from answer where chats.id = ${chatId}
    returning answer.id
  `;
  return Number(row?.id);
}

/** Nothing streams, nothing runs, and nothing is reserved: [answers, runs, budgets]. */
export async function unsettled(sql: Sql): Promise<unknown[][]> {
  const [streaming, runs, budgets] = await Promise.all([
    sql`select id from messages where status = 'streaming'`,
    sql`select id from answer_runs`,
    sql`select kind, id from budgets where running <> 0 or reserved_tokens <> 0`,
  ]);
  return [[...streaming], [...runs], [...budgets]];
}
