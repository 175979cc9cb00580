-- migrate:up

-- read_receipts: whether others see how far the person has read, and the person sees how far they have.
alter table users add column read_receipts boolean not null default true;

-- migrate:down
alter table users drop column read_receipts;
