// Jobs that ring at people's browsers, as parts of the statements that cause them. Those of mentions are stored by a trigger.
import { z } from "zod";
import type { Sql } from "../database/connect.ts";
import { pushSubscriptionsMax } from "../wire/push.ts";

/** The kind of the jobs that end in a push message. */
export const pushKind = "push";

/** `mention`: somebody has mentioned the person. `private`: somebody has written in a private chat. `answer`: an answer has ended. */
export const PushJob = z.object({
  subscription_id: z.int(),
  chat_id: z.int(),
  /** The first message that the job was stored for. A mention or a message of a private chat after it is rung for in its place. */
  message_id: z.int(),
  reason: z.enum(["mention", "private", "answer"]),
  /** Whether the person was active at the first look: this one decides. */
  is_second_look: z.boolean().default(false),
});
export type PushJob = z.infer<typeof PushJob>;

/**
 * The jobs of a person run one after the other, so that slow push services hold up nobody else. The text has no parameters, which the
 * statement of each message would send again.
 * @param people a select of `user_id`, `chat_id` and `message_id`. People without a browser that rings cost a look into an index.
 */
const insertJobs = (reason: PushJob["reason"], people: string) => `
  insert into jobs (kind, order_key, payload, due_at)
  select '${pushKind}', 'push:' || told.user_id,
    jsonb_build_object(
      'subscription_id', s.id, 'chat_id', told.chat_id, 'message_id', told.message_id, 'reason', '${reason}'
    ),
    push_due_at()
  from (${people}) told
  cross join lateral (
    select id from push_subscriptions
    where user_id = told.user_id and (rests_until is null or rests_until <= now())
    limit ${pushSubscriptionsMax}
  ) s
  ${reason === "answer" ? "" : `where not push_waits(told.user_id, s.id, told.chat_id, '${reason}')`}
`;

const ofPrivateMessages = insertJobs(
  "private",
  `
    select p.user_id, q.chat_id, q.id as message_id
    from locked l
    join numbered q on q.chat_id = l.id and not q.is_answer
    cross join lateral (
      select user_id from chat_participants where chat_id = l.id and user_id <> q.user_id limit 2
    ) p
    where not l.is_group
  `,
);

/** Rings at the other people of private chats, in the statement that stores messages. */
export const pushOfPrivateMessages = (sql: Sql) => sql.unsafe(ofPrivateMessages);

const ofEndedAnswer = insertJobs(
  "answer",
  `
    select run.user_id, m.chat_id, m.id as message_id
    from m join run on run.message_id = m.id and run.user_id is not null
    where m.status <> 'stopped'
  `,
);

/**
 * Rings at the person who has asked for an answer, in the statement that stores the end of an answer `m` and deletes its `run`. It may be
 * another one than the author of the question. Somebody has seen an answer that is stopped.
 */
export const pushOfEndedAnswer = (sql: Sql) => sql.unsafe(ofEndedAnswer);
