// The budgets of people and rooms, and the runs that have reserved a part of them. Both rows of `budgets`, the room's and
// the person's, are locked in the order of their kind before they are read, so that parallel questions see each other's
// reservations and can't deadlock. The count of all answers has a lock of its own, which is the last one.
import { z } from "zod";
import { one, withoutWaiting, type Sql } from "../../database/connect.ts";
import { Usage } from "../../wire/messages.ts";

export const today = (sql: Sql) => sql`(now() at time zone 'utc')::date`;

export const Lease = z.object({ id: z.int(), attempt: z.int() });
/** The right to write one run, a row of answer_runs. A server that takes the run over raises `attempt`, which ends the lease. */
export type Lease = z.infer<typeof Lease>;

const StartedRun = z.object({
  run_id: z.int().nullable(),
  reserved_tokens: z.int().nullable(),
  has_rows: z.boolean(),
  user_is_busy: z.boolean().nullable(),
  chat_is_busy: z.boolean().nullable(),
  all_are_busy: z.boolean(),
  user_left: z.int().nullable(),
  chat_left: z.int().nullable(),
  user_reserved: z.int().nullable(),
  chat_reserved: z.int().nullable(),
});
/** `run_id` is null when the run was refused. `…_left` are tokens; null where there is no limit. */
export type StartedRun = z.infer<typeof StartedRun>;

export interface RunLimits {
  userTokens: number;
  chatTokens: number;
  userAnswers: number;
  chatAnswers: number;
  /** Answers of all people and rooms, on all servers. */
  allAnswers?: number;
}

export interface NewRun {
  chatId: number;
  /** Undefined for a run that is charged to no person: a summary, or help. */
  userId: number | undefined;
  /** The run is refused if fewer tokens are left. Otherwise it gets the tokens that are left, up to `tokensWanted`. */
  tokensMin: number;
  tokensWanted: number;
  /** 0 for no limit. */
  limits: RunLimits;
  leaseSeconds: number;
  /** False for a run that only reserves tokens, and counts neither among the running answers of its person nor among those of a day. */
  isAnswer?: boolean;
}

/** Reserves tokens of a person's and a room's day, and counts the run among their running answers: both or neither. */
export async function insertRun(sql: Sql, run: NewRun): Promise<StartedRun> {
  const started = await tryInsertRun(sql, run);
  if (started.has_rows) return started;
  await sql`
    insert into budgets (kind, id, day)
    select kind, id, ${today(sql)}
    from (values ('chat', ${run.chatId}::bigint), ('user', ${run.userId ?? null}::bigint)) account (kind, id)
    where id is not null
    on conflict do nothing
  `;
  return await tryInsertRun(sql, run);
}

async function tryInsertRun(sql: Sql, run: NewRun): Promise<StartedRun> {
  const userId = run.userId ?? null;
  const { userTokens, chatTokens, userAnswers, chatAnswers, allAnswers = 0 } = run.limits;
  const { isAnswer = true } = run;
  return one(
    await sql`
      with locked as materialized (
        select kind, id, running, reserved_tokens,
          case when day = ${today(sql)} then used_tokens else 0 end as used_tokens
        from budgets
        where (kind = 'chat' and id = ${run.chatId}) or (kind = 'user' and id = ${userId}::bigint)
        order by kind, id
        for update
      ),
      state as materialized (
        select
          count(*) = ${userId === null ? 1 : 2} as has_rows,
          bool_or(limits.answers > 0 and running >= limits.answers) filter (where kind = 'user') as user_is_busy,
          bool_or(limits.answers > 0 and running >= limits.answers) filter (where kind = 'chat') as chat_is_busy,
          min(limits.tokens - used_tokens - reserved_tokens) filter (where kind = 'user' and limits.tokens > 0) as user_left,
          min(limits.tokens - used_tokens - reserved_tokens) filter (where kind = 'chat' and limits.tokens > 0) as chat_left,
          min(reserved_tokens) filter (where kind = 'user') as user_reserved,
          min(reserved_tokens) filter (where kind = 'chat') as chat_reserved
        from locked
        join (values
          ('user', ${userTokens}::bigint, ${userAnswers}::int),
          ('chat', ${chatTokens}::bigint, ${userId === null ? 0 : chatAnswers}::int)
        ) limits (kind, tokens, answers) using (kind)
      ),
      everybody as materialized (${countOfAll(sql, allAnswers)}),
      granted as materialized (
        select least(${run.tokensWanted}::bigint, user_left, chat_left) as tokens
        from state, everybody
        where has_rows and not coalesce(user_is_busy, false) and not chat_is_busy and not everybody.are_busy
          and least(${run.tokensWanted}::bigint, user_left, chat_left) >= ${run.tokensMin}
      ),
      taken as (
        update budgets
        set running = budgets.running + ${userId === null || !isAnswer ? 0 : 1},
            reserved_tokens = budgets.reserved_tokens + granted.tokens,
            used_tokens = locked.used_tokens,
            day = ${today(sql)}
        from locked, granted
        where budgets.kind = locked.kind and budgets.id = locked.id
      ),
      run as (
        insert into answer_runs (chat_id, user_id, reserved_tokens, lease_expires_at, is_answer)
        select ${run.chatId}, ${userId}::bigint, tokens, now() + ${run.leaseSeconds} * interval '1 second', ${isAnswer}
        from granted
        returning id, reserved_tokens
      )
      select run.id as run_id, run.reserved_tokens, has_rows, user_is_busy, chat_is_busy,
        everybody.are_busy as all_are_busy, user_left, chat_left, user_reserved, chat_reserved,
        -- Nothing depends on the reservation before the question is stored, and that waits for the disk.
        ${withoutWaiting(sql)}
      from state cross join everybody
      left join run on true
    `,
    StartedRun,
  );
}

/**
 * Whether the limit of answers that run at once on all servers is reached. Each count waits for the ones before it, until their runs
 * are stored and can be counted. 0 for no limit, and no waiting.
 */
const countOfAll = (sql: Sql, max: number) =>
  max === 0
    ? sql`select false as are_busy`
    : sql`
        select answers_of_people() >= ${max} as are_busy
        from (
          select pg_advisory_xact_lock(hashtextextended('answers_of_people', 0)) from (select count(*) from state) budgets
          offset 0
        ) turn
      `;

/** The end of a run as common table expressions: it gives the reservation back and charges the usage. */
export const settledRun = (
  sql: Sql,
  lease: Lease,
  {
    usage,
    estimatedPromptTokens,
  }: {
    usage: Usage | undefined;
    /** The estimate for the prompt that `usage` counts; it corrects later estimates. */
    estimatedPromptTokens: number | undefined;
  },
) => sql`
  run as (
    delete from answer_runs where id = ${lease.id} and attempt = ${lease.attempt}
    returning message_id, chat_id, user_id, reserved_tokens, is_answer
  ),
  account as materialized (
    select b.kind, b.id, run.reserved_tokens, (run.user_id is not null and run.is_answer)::int as answers
    from run
    join budgets b on (b.kind = 'chat' and b.id = run.chat_id) or (b.kind = 'user' and b.id = run.user_id)
    order by b.kind, b.id
    for update of b
  ),
  settled as (
    update budgets b
    set running = b.running - account.answers,
        reserved_tokens = b.reserved_tokens - account.reserved_tokens,
        used_tokens = case when b.day = ${today(sql)} then b.used_tokens else 0 end + ${usage?.total_tokens ?? 0}::bigint,
        day = ${today(sql)},
        token_ratio = case when b.kind = 'chat'
          then least(2, greatest(0.5, b.token_ratio * (1 + ${correction(usage, estimatedPromptTokens)}::real) / 2))
          else b.token_ratio end
    from account
    where b.kind = account.kind and b.id = account.id
  ),
  charged as (
    insert into usage_days as d
      (kind, id, day, answers, prompt_tokens, answer_tokens, thoughts_tokens, cached_tokens, total_tokens)
    select kind, id, ${today(sql)}, answers, ${usage?.prompt_tokens ?? 0}, ${usage?.answer_tokens ?? 0},
      ${usage?.thoughts_tokens ?? 0}, ${usage?.cached_tokens ?? 0}, ${usage?.total_tokens ?? 0}
    from account
    where ${(usage?.total_tokens ?? 0) > 0}
      and not (kind = 'user' and exists (select from users where users.id = account.id and deleted_at is not null))
    on conflict (kind, id, day) do update
    set answers = d.answers + excluded.answers,
        prompt_tokens = d.prompt_tokens + excluded.prompt_tokens,
        answer_tokens = d.answer_tokens + excluded.answer_tokens,
        thoughts_tokens = d.thoughts_tokens + excluded.thoughts_tokens,
        cached_tokens = d.cached_tokens + excluded.cached_tokens,
        total_tokens = d.total_tokens + excluded.total_tokens
  )
`;

/** Returns the tokens that the model counted for each estimated token; 1 where nothing is known. */
function correction(usage: Usage | undefined, estimated: number | undefined): number {
  if (!usage || !estimated || usage.prompt_tokens === 0) return 1;
  return usage.prompt_tokens / estimated;
}

/** Ends a run that brought no answer. @param usage is charged; undefined for a run that never began */
export async function releaseRun(sql: Sql, lease: Lease, usage?: Usage): Promise<void> {
  await sql`
    with ${settledRun(sql, lease, { usage, estimatedPromptTokens: undefined })}
    select from run
  `;
}

/** Asks the node of a running answer to stop it. @returns false when the answer does not run */
export async function requestStop(sql: Sql, messageId: number): Promise<boolean> {
  const rows = await sql`
    update answer_runs set stop_requested = true where message_id = ${messageId} returning id
  `;
  return rows.length > 0;
}
