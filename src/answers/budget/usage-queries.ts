import { z } from "zod";
import { shownName } from "../../chats/column-queries.ts";
import { many, type Sql } from "../../database/connect.ts";
import { UsageReport, type Account } from "../../wire/answers.ts";
import { today } from "./queries.ts";

const AccountRow = z.object({
  day: z.iso.date(),
  chat_id: z.int().nullable(),
  name: z.string().nullable(),
  used_tokens_today: z.int(),
  reserved_tokens: z.int(),
  running: z.int(),
  days: UsageReport.shape.mine.shape.days,
});

/**
 * Finds the usage of a person's answers, and of those in the chats that they own.
 * @param days back from today, today included
 * @param limits 0 for no limit
 */
export async function findUsage(
  sql: Sql,
  userId: number,
  days: number,
  limits: {
    userDayTokens: number;
    chatDayTokens: number;
    userAnswers: number;
    chatAnswers: number;
  },
): Promise<UsageReport> {
  const rows = many(
    await sql`
      select ${today(sql)}::text as day, account.chat_id, account.name,
        case when b.day = ${today(sql)} then b.used_tokens else 0 end as used_tokens_today,
        coalesce(b.reserved_tokens, 0) as reserved_tokens, coalesce(b.running, 0) as running, used.days
      from (
        select 'user' as kind, ${userId}::bigint as id, null::bigint as chat_id, null::text as name
        union all
        select 'chat', c.id, c.id, ${shownName(sql, userId)} from chats c where c.owner_id = ${userId}
      ) account
      left join budgets b on b.kind = account.kind and b.id = account.id
      cross join lateral (
        select coalesce(jsonb_agg(jsonb_build_object(
          'day', d.day, 'answers', d.answers, 'prompt_tokens', d.prompt_tokens, 'answer_tokens', d.answer_tokens,
          'thoughts_tokens', d.thoughts_tokens, 'cached_tokens', d.cached_tokens, 'total_tokens', d.total_tokens
        ) order by d.day desc), '[]') as days
        from usage_days d
        where d.kind = account.kind and d.id = account.id and d.day > ${today(sql)} - ${days}::int
      ) used
      order by account.chat_id nulls first
    `,
    AccountRow,
  );
  const [mine, ...owned] = rows;
  if (!mine) throw new Error("a person's usage always has a row");
  return {
    day: mine.day,
    mine: accountOf(mine, limits.userDayTokens, limits.userAnswers),
    chats: owned.flatMap((row) =>
      row.chat_id === null || row.name === null
        ? []
        : [
            {
              chat_id: row.chat_id,
              name: row.name,
              ...accountOf(row, limits.chatDayTokens, limits.chatAnswers),
            },
          ],
    ),
  };
}

function accountOf(row: z.infer<typeof AccountRow>, tokens: number, answers: number): Account {
  return {
    used_tokens_today: row.used_tokens_today,
    reserved_tokens: row.reserved_tokens,
    limit_tokens_day: tokens > 0 ? tokens : null,
    running: row.running,
    limit_running: answers > 0 ? answers : null,
    days: row.days,
  };
}
