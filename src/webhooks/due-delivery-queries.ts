// Reading deliveries that are to be sent: where to, and whether the webhook may still be told.
import { z } from "zod";
import { many, type Fragment, type Sql } from "../database/connect.ts";
import { blocksAuthor } from "../log/block-queries.ts";
import { Delivery, testEvent } from "../wire/webhooks.ts";

const DueDelivery = z.object({
  id: z.int(),
  webhook_id: z.int(),
  event_id: z.uuid(),
  type: Delivery.shape.type,
  chat_id: z.int().nullable(),
  seq: z.int().nullable(),
  status: Delivery.shape.status,
  url: z.string(),
  /** Both sealed secrets are in hexadecimal digits. */
  sealed_secret: z.string(),
  sealed_previous: z.string().nullable(),
  /** The person whose own webhook it is; null for a chat's. */
  person_id: z.int().nullable(),
  /** Whether the webhook may be told of the event now. */
  is_allowed: z.boolean(),
  /** Whether the person has read the message. */
  is_read: z.boolean(),
});
export type DueDelivery = z.infer<typeof DueDelivery>;

/**
 * Whether the person of `webhooks w` may be told of the message of `webhook_deliveries d`: its author is not blocked, and a mention has not
 * been taken out of it. It says nothing against a message that is gone, of which there is nothing to send.
 */
const isWelcome = (sql: Sql): Fragment => sql`
  not exists (
    select from (
      select user_id, mentions from messages where chat_id = d.chat_id and seq = d.seq
      union all
      select m.user_id, m.mentions
      from chat_changes change join messages m on m.id = change.message_id
      where change.chat_id = d.chat_id and change.seq = d.seq
    ) message
    where (d.type = 'mention' and w.user_id <> all (message.mentions))
      or ${blocksAuthor(sql, sql`w.user_id`, sql`message.user_id`)}
  )
`;

/** @returns the deliveries by their ids, without those whose webhook was deleted */
export async function findDueDeliveries(
  sql: Sql,
  ids: readonly number[],
): Promise<Map<number, DueDelivery>> {
  const found = many(
    await sql`
      select d.id, d.webhook_id, d.event_id, d.type, d.chat_id, d.seq, d.status, w.url,
        encode(w.sealed_secret, 'hex') as sealed_secret,
        case when w.previous_until > now() then encode(w.sealed_previous, 'hex') end as sealed_previous,
        case when w.chat_id is null then w.user_id end as person_id,
        d.type = ${testEvent} or (
          w.is_enabled
          and case
            when d.type = 'chat.deleted' then c.id is null
            when w.chat_id is null then
              p.user_id is not null and d.seq >= p.joined_seq
              and (d.type = 'invite' or (coalesce(p.muted_until <= now(), true) and ${isWelcome(sql)}))
            -- Null once the chat is deleted.
            else coalesce(c.owner_id = w.user_id, false)
          end
        ) as is_allowed,
        coalesce(p.last_read_seq >= d.seq, false) as is_read
      from webhook_deliveries d
      join webhooks w on w.id = d.webhook_id
      left join chats c on c.id = d.chat_id
      left join chat_participants p on p.chat_id = d.chat_id and p.user_id = w.user_id and w.chat_id is null
      where d.id = any (${ids}::bigint[])
    `,
    DueDelivery,
  );
  return new Map(found.map((delivery) => [delivery.id, delivery]));
}
