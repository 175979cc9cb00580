-- migrate:up
-- It is volatile and therefore counts what there is once the calling statement has its lock.
create function answers_of_people() returns bigint
language sql volatile as $$
  select count(*) from answer_runs where user_id is not null and is_answer
$$;

-- migrate:down
drop function answers_of_people;
