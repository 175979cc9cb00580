// Jobs that ring at people's browsers, as parts of the statements that cause them. Those of mentions are stored by a trigger.
import { z } from "zod";
import type { Fragment, Sql } from "../database/connect.ts";
import { pushSubscriptionsMax } from "../wire/push.ts";

/** The kind of the jobs that end in a push message. */
export const pushKind = "push";

/** `mention`: somebody has mentioned the person. `private`: somebody has written in a private chat. `answer`: an answer has ended. */
export const PushJob = z.object({
  subscription_id: z.int(),
  message_id: z.int(),
  reason: z.enum(["mention", "private", "answer"]),
});
export type PushJob = z.infer<typeof PushJob>;

/** @param people a select of `user_id` and `message_id`. People without a browser that rings cost a look into an index. */
const insertJobs = (sql: Sql, reason: PushJob["reason"], people: Fragment) => sql`
  insert into jobs (kind, payload, due_at)
  select ${pushKind}, jsonb_build_object('subscription_id', s.id, 'message_id', told.message_id, 'reason', ${reason}::text),
    push_due_at()
  from (${people}) told
  cross join lateral (select id from push_subscriptions where user_id = told.user_id limit ${pushSubscriptionsMax}) s
`;

/** Rings at the other people of private chats, in the statement that stores messages. */
export const pushOfPrivateMessages = (sql: Sql) =>
  insertJobs(
    sql,
    "private",
    sql`
      select p.user_id, q.id as message_id
      from locked l
      join numbered q on q.chat_id = l.id and not q.is_answer
      cross join lateral (
        select user_id from chat_participants where chat_id = l.id and user_id <> q.user_id limit 2
      ) p
      where not l.is_group
    `,
  );

/** Rings at the author of the question, in the statement that stores the end of an answer `m`. Somebody has seen one that is stopped. */
export const pushOfEndedAnswer = (sql: Sql) =>
  insertJobs(
    sql,
    "answer",
    sql`
      select q.user_id, m.id as message_id
      from m join messages q on q.id = m.answer_to and q.user_id is not null
      where m.status <> 'stopped'
    `,
  );
