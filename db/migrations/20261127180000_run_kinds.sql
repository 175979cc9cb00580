-- migrate:up

-- Whether a run counts among the running answers of its person. That of a transcript only reserves tokens.
alter table answer_runs add column is_answer boolean not null default true;

-- migrate:down

update budgets b set running = b.running + runs.count
from (
  select user_id, count(*)::int as count from answer_runs where not is_answer and user_id is not null group by user_id
) runs
where b.kind = 'user' and b.id = runs.user_id;
alter table answer_runs drop column is_answer;
