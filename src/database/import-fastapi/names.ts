// Usernames of users whose own breaks the rules, is reserved, or is taken by an earlier user.
import type postgres from "postgres";

const attemptsMax = 10;

/**
 * Gives every staged user without a fault a username of their own, and tells of each that is new. A name that is valid goes to
 * the first user who has it, before any is made up.
 */
export async function chooseNames(sql: postgres.TransactionSql): Promise<void> {
  await sql.unsafe(`
    update staged_users s set username = null
    from (
      select n, row_number() over (partition by lower(username) order by id) as place
      from staged_users where fault is null and username is not null
    ) shared
    where shared.n = s.n and shared.place > 1
  `);
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const { count } = await sql.unsafe(nameAttempt(attempt));
    if (count === 0) break;
  }
  await sql.unsafe(`
    update staged_users
    set fault = case when username is null then 'no username like its own is free' end,
        changes = case when username is null then changes
          else changes || format('the username %s becomes %s', coalesce(to_json(given)::text, 'none'), to_json(username)) end
    where fault is null and username is distinct from given
  `);
}

/** Gives names to those who have none: the candidate, then the candidate with the id, then with more digits. */
function nameAttempt(attempt: number): string {
  const ends = ["''", "'_' || id", `'_' || id || '_${attempt}'`];
  return `
    update staged_users s set username = free.name
    from (
      select n, id, name, row_number() over (partition by lower(name) order by id) as place
      from (
        select n, id, left(candidate, 32 - length(ending)) || ending as name
        from (select n, id, candidate, ${ends[Math.min(attempt, 3) - 1]} as ending from staged_users
          where fault is null and username is null) nameless
      ) named
      where not exists (select from staged_users t where lower(t.username) = lower(named.name) and t.fault is null)
    ) free
    where free.n = s.n and free.place = 1
  `;
}
