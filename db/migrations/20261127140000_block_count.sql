-- migrate:up
-- It is volatile and therefore counts what there is once the calling statement has locked the person.
create function blocks_of_person(person bigint) returns bigint
language sql volatile as $$
  select count(*) from user_blocks where blocker_id = person
$$;

-- migrate:down
drop function blocks_of_person;
