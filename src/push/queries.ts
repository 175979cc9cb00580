// The browsers of people that ring.
import { z } from "zod";
import { many, maybe, type Sql } from "../database/connect.ts";
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
 * Stores the subscription of a browser for a session. A browser that rang before, for whichever person, gets its new keys and its new person.
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
          shows_text = excluded.shows_text, timeouts = 0, rests_until = null,
          -- A browser sends its address at each visit of the page.
          created_at = case when s.session_id = excluded.session_id then s.created_at else now() end
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

/** Tries of one job, which a browser may miss without a rest. */
const timeoutsBeforeRest = 4;
/** The rests before the last of them come to about a day. */
const timeoutsMax = 12;
const restMs = 10_000;

/**
 * Notes that the push service of a browser did not answer in time. After some such requests in a row it is not asked for a while, which is
 * twice as long each time, and at last the browser rings no more.
 */
export async function noteTimeout(sql: Sql, subscriptionId: number): Promise<void> {
  await sql`
    with gone as (
      delete from push_subscriptions where id = ${subscriptionId} and timeouts + 1 >= ${timeoutsMax}
    )
    update push_subscriptions
    set timeouts = timeouts + 1,
      rests_until = case when timeouts + 1 >= ${timeoutsBeforeRest}
        then now() + ${restMs} * (2 ^ timeouts) * interval '1 millisecond' end
    where id = ${subscriptionId} and timeouts + 1 < ${timeoutsMax}
  `;
}

/** Notes that the push service of a browser has answered after some requests that it did not. */
export async function forgetTimeouts(sql: Sql, subscriptionId: number): Promise<void> {
  await sql`
    update push_subscriptions set timeouts = 0, rests_until = null
    where id = ${subscriptionId} and timeouts > 0
  `;
}
