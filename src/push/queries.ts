// The browsers of people that ring, and what there is to ring for.
import { z } from "zod";
import { many, maybe, type Sql } from "../database/connect.ts";
import { blocksAuthor } from "../log/block-queries.ts";
import { shownUsername } from "../log/messages.ts";
import type { PushJob } from "../log/push-jobs.ts";
import { Message } from "../wire/messages.ts";
import {
  PushSubscription,
  pushSubscriptionsMax,
  type PushSubscriptionInput,
} from "../wire/push.ts";

interface Subscriber {
  id: number;
  sessionId: string;
}

/** The columns of a PushSubscription from `push_subscriptions s`, as a session sees it. */
const subscriptionColumns = (sql: Sql, sessionId: string) => sql`
  s.id, substring(s.endpoint from '^[a-z]+://([^/?#]+)') as service, s.session_id,
  s.session_id = ${sessionId}::uuid as current, s.shows_text, s.created_at
`;

const Stored = z.object({ id: z.null() }).or(PushSubscription);

/**
 * Has a browser ring for a session. One that rang before, for whomever, takes its new keys and its new person.
 * @returns undefined when the session has ended, `full` when as many browsers of the person ring as may
 */
export async function upsertSubscription(
  sql: Sql,
  { id: userId, sessionId }: Subscriber,
  { endpoint, keys, shows_text: showsText }: PushSubscriptionInput,
): Promise<PushSubscription | "full" | undefined> {
  const row = maybe(
    await sql`
      -- The account's row is locked, so that of several requests at once each counts the browsers of those before.
      with account as materialized (
        select id from users where id = ${userId} and deleted_at is null for no key update
      ),
      session as materialized (
        select sessions.id from account
        join sessions on sessions.user_id = account.id and sessions.id = ${sessionId}::uuid
        for key share of sessions
      ),
      stored as (
        insert into push_subscriptions as s (user_id, session_id, endpoint, p256dh, auth, shows_text)
        select ${userId}, id, ${endpoint}, ${keys.p256dh}, ${keys.auth}, ${showsText}
        from session
        where push_subscriptions_of_person(${userId}) < ${pushSubscriptionsMax}
          or exists (select from push_subscriptions where endpoint = ${endpoint} and user_id = ${userId})
        on conflict (endpoint) do update
        set user_id = excluded.user_id, session_id = excluded.session_id, p256dh = excluded.p256dh, auth = excluded.auth,
          shows_text = excluded.shows_text, created_at = now()
        returning ${subscriptionColumns(sql, sessionId)}
      )
      select stored.* from session left join stored on true
    `,
    Stored,
  );
  return row?.id === null ? "full" : row;
}

/** The browsers of a person that ring, the latest first. */
export async function findSubscriptions(
  sql: Sql,
  { id: userId, sessionId }: Subscriber,
): Promise<PushSubscription[]> {
  return many(
    await sql`
      select ${subscriptionColumns(sql, sessionId)} from push_subscriptions s
      where s.user_id = ${userId}
      order by s.created_at desc, s.id desc
      limit ${pushSubscriptionsMax}
    `,
    PushSubscription,
  );
}

/** @param userId the person; undefined for one that the push service does not know any more. @returns whether there was one */
export async function deleteSubscription(
  sql: Sql,
  subscriptionId: number,
  userId?: number,
): Promise<boolean> {
  const rows = await sql`
    delete from push_subscriptions
    where id = ${subscriptionId} and (${userId ?? null}::bigint is null or user_id = ${userId ?? null})
    returning id
  `;
  return rows.length > 0;
}

const Notice = z.object({
  endpoint: z.string(),
  p256dh: z.string(),
  auth: z.string(),
  shows_text: z.boolean(),
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
 * Finds what a browser is to ring for.
 * @returns undefined if it is not to ring any more: the person has read the message, is active at some client of any server, has muted the
 * chat, is not in it any more, or has blocked the author; or the message was deleted, or the session has ended
 */
export async function findNotice(sql: Sql, job: PushJob): Promise<Notice | undefined> {
  const number = job.reason === "answer" ? sql`m.updated_seq` : sql`m.seq`;
  return maybe(
    await sql`
      select s.endpoint, s.p256dh, s.auth, s.shows_text, m.chat_id, m.seq, m.content, m.attachments,
        case when c.is_group then c.name end as chat_name,
        coalesce(u.display_name, ${sql.unsafe(shownUsername)}) as author
      from push_subscriptions s
      join sessions on sessions.id = s.session_id and sessions.expires_at > now()
      join messages m on m.id = ${job.message_id} and m.deleted_at is null
      join chat_participants me on me.chat_id = m.chat_id and me.user_id = s.user_id
      join chats c on c.id = m.chat_id
      left join users u on u.id = m.user_id
      where s.id = ${job.subscription_id}
        and me.last_read_seq < ${number}
        and not coalesce(me.muted_until > now(), false)
        and not exists (
          select from presence p
          join presence_servers v on v.id = p.server_id and v.expires_at > now()
          where p.user_id = s.user_id and p.status = 'online'
        )
        and not ${blocksAuthor(sql, sql`s.user_id`, sql`m.user_id`)}
    `,
    Notice,
  );
}
