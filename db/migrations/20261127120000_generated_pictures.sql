-- migrate:up
-- text_at: the place of a picture in the text of its answer, in UTF-16 units; null for files of people.
alter table attachments add column text_at int;

-- Pictures that were asked for, by day (UTC): of people, and in chats.
create table picture_counts (
  day date not null,
  scope text not null check (scope in ('chat', 'user')),
  scope_id bigint not null,
  pictures int not null,
  primary key (day, scope, scope_id)
);

-- migrate:down
drop table picture_counts;
alter table attachments drop column text_at;
