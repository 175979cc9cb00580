// Finding what a browser is to ring for, once its job is due.
import { z } from "zod";
import { maybe, type Sql } from "../database/connect.ts";
import { insertJob } from "../jobs/queries.ts";
import { blocksAuthor } from "../log/block-queries.ts";
import { shownUsername } from "../log/messages.ts";
import { pushKind, type PushJob } from "../log/push-jobs.ts";
import { Message } from "../wire/messages.ts";

const Notice = z.object({
  user_id: z.int(),
  endpoint: z.string(),
  p256dh: z.string(),
  auth: z.string(),
  shows_text: z.boolean(),
  /** Requests in a row that the push service has not answered in time. */
  timeouts: z.int(),
  /** Whether the person is active at some client of any server. */
  is_online: z.boolean(),
  message_id: z.int(),
  chat_id: z.int(),
  /** Null in a private chat, which has the name of the other person. */
  chat_name: z.string().nullable(),
  seq: z.int(),
  author: z.string(),
  ...Message.pick({ content: true, attachments: true }).shape,
});
/** A message that a browser rings for. */
export type Notice = z.infer<typeof Notice>;

/**
 * Finds what a browser is to ring for: an answer, or the latest message since the job was stored that mentions the person, or that came in
 * the private chat.
 * @param ttlSeconds the age of a job from which on it is too late to ring
 * @returns undefined if it is not to ring any more: the person has read the message, has muted the chat, is not in it any more, or has
 * blocked the author; or the message was deleted or mentions the person no longer, the session has ended, or the push service is not asked
 * for a while
 */
export async function findNotice(
  sql: Sql,
  job: PushJob,
  { jobId, ttlSeconds }: { jobId: number; ttlSeconds: number },
): Promise<Notice | undefined> {
  return maybe(
    await sql`
      select s.user_id, s.endpoint, s.p256dh, s.auth, s.shows_text, s.timeouts,
        m.id as message_id, m.chat_id, m.seq, m.content, m.attachments,
        case when c.is_group then c.name end as chat_name,
        coalesce(u.display_name, ${sql.unsafe(shownUsername)}) as author,
        exists (
          select from presence p
          join presence_servers v on v.id = p.server_id and v.expires_at > now()
          where p.user_id = s.user_id and p.status = 'online'
        ) as is_online
      from push_subscriptions s
      join jobs on jobs.id = ${jobId} and jobs.created_at > now() - ${ttlSeconds} * interval '1 second'
      join sessions on sessions.id = s.session_id and sessions.expires_at > now()
      join chat_participants me on me.chat_id = ${job.chat_id} and me.user_id = s.user_id
      join chats c on c.id = me.chat_id
      join messages first on first.id = ${job.message_id} and first.chat_id = me.chat_id
      cross join lateral (${newest(sql, job.reason)}) m
      left join users u on u.id = m.user_id
      where s.id = ${job.subscription_id} and (s.rests_until is null or s.rests_until <= now())
        and not coalesce(me.muted_until > now(), false)
    `,
    Notice,
  );
}

/** The message to ring for since `first`, if there is one that `me` has not read. */
function newest(sql: Sql, reason: PushJob["reason"]) {
  if (reason === "answer") {
    return sql`select first.* where first.deleted_at is null and me.last_read_seq < first.updated_seq`;
  }
  const isBlocked = blocksAuthor(sql, sql`me.user_id`, sql`n.user_id`);
  if (reason === "private") {
    return sql`
      select n.* from messages n
      where n.chat_id = me.chat_id and n.seq > me.last_read_seq and n.seq >= first.seq
        and n.deleted_at is null and n.user_id <> me.user_id and not ${isBlocked}
      order by n.seq desc
      limit 1
    `;
  }
  return sql`
    select n.* from message_mentions mine
    join messages n on n.id = mine.message_id
    where mine.user_id = me.user_id and mine.chat_id = me.chat_id and mine.seq > me.last_read_seq
      and mine.seq >= first.seq and n.deleted_at is null and not ${isBlocked}
    order by mine.seq desc
    limit 1
  `;
}

/** The second looks of a person run apart, so that they do not hold up what is new. */
const secondLookKey = (userId: number) => `push_again:${userId}`;

/** Looks once more for whether the person is active then: somebody whose connection has died counts as active for a while. */
export async function lookAgain(
  sql: Sql,
  job: PushJob,
  { userId, afterMs }: { userId: number; afterMs: number },
): Promise<void> {
  await insertJob(sql, {
    kind: pushKind,
    orderKey: secondLookKey(userId),
    payload: { ...job, is_second_look: true },
    afterMs,
  });
}

/** Removes second looks for what a browser has rung for. */
export async function deleteSecondLooks(
  sql: Sql,
  { subscription_id, chat_id, reason }: PushJob,
  { user_id: userId, message_id: messageId }: Notice,
): Promise<void> {
  await sql`
    delete from jobs
    where order_key = ${secondLookKey(userId)} and dead_at is null and not is_running
      and payload @> ${sql.json({ subscription_id, chat_id, reason })}::jsonb
      and (payload ->> 'message_id')::bigint <= ${messageId}
  `;
}
