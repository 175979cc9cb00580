-- migrate:up
-- The process of PostgreSQL that serves the server which runs the answer. It ends with that server, but not while the server only
-- stands still. 0 behind a pooler, whose connections outlive the servers that use them. Null: the server is of a version before.
alter table answer_runs add column holder_pid int;

-- migrate:down
alter table answer_runs drop column holder_pid;
