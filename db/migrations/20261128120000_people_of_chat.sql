-- migrate:up

-- The people of a chat. It is volatile and therefore reads the participants as they are once the calling statement has locked the
-- chat: that statement itself would not see somebody who was added while it waited.
create function people_of_chat(chat bigint) returns bigint[]
language sql volatile as $$
  select coalesce(array_agg(user_id), '{}') from chat_participants where chat_id = chat
$$;

-- migrate:down
drop function people_of_chat;
