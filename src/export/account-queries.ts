// All that is stored about a person, as pages of rows that are exported as they are.
import { z } from "zod";
import { many, maybe, type Fragment, type Sql } from "../database/connect.ts";
import { blockedMax } from "../wire/blocks.ts";
import { keysPerAccountMax } from "../wire/access-keys.ts";
import { botsPerPersonMax } from "../wire/bots.ts";
import { chatsPerUserMax } from "../wire/chats.ts";
import { pushSubscriptionsMax } from "../wire/push.ts";
import { identitiesPerPersonMax } from "../wire/identities.ts";
import { sessionsPerUserMax } from "../accounts/queries.ts";

const Row = z.record(z.string(), z.unknown());
export type Row = z.infer<typeof Row>;

/** The parts that a person has few rows of, by the `type` of their lines. */
export function findSmallParts(sql: Sql, userId: number): Record<string, () => Promise<Row[]>> {
  const read = async (query: Fragment) => many(await query, Row);
  return {
    profile: () =>
      read(sql`
        select id, username, email, email_verified_at, created_at, display_name, bio, avatar_id, read_receipts, presence
        from users where id = ${userId} and deleted_at is null
      `),
    session: () =>
      read(sql`
        select id, created_at, last_used_at, expires_at, address, user_agent
        from sessions
        where user_id = ${userId} and access_key_id is null
        order by created_at limit ${sessionsPerUserMax}
      `),
    push_subscription: () =>
      read(sql`
        select id, session_id, substring(endpoint from '^[a-z]+://([^/?#]+)') as service, shows_text, created_at
        from push_subscriptions where user_id = ${userId} order by id limit ${pushSubscriptionsMax}
      `),
    identity: () =>
      read(sql`
        select id, provider, issuer, subject, label, created_at, last_used_at
        from identities where user_id = ${userId} order by id limit ${identitiesPerPersonMax}
      `),
    // The secret of the app and the recovery codes are not exported.
    authenticator_app: () =>
      read(sql`select created_at, confirmed_at from totp_secrets where user_id = ${userId}`),
    access_key: () =>
      read(sql`
        select k.id, k.user_id, k.name, k.hint, k.scopes, k.chat_ids, k.created_at, k.expires_at, k.last_used_at,
          k.last_used_address
        from access_keys k
        where k.user_id = any (array(select id from users where id = ${userId} or bot_owner_id = ${userId}))
        order by k.id limit ${keysPerAccountMax * (botsPerPersonMax + 1)}
      `),
    bot: () =>
      read(sql`
        select id, username, display_name, created_at from users
        where bot_owner_id = ${userId} and deleted_at is null order by id limit ${botsPerPersonMax}
      `),
    chat: () =>
      read(sql`
        select c.id, c.name, c.is_group, c.is_ai_chat, c.created_at,
          case when c.owner_id = p.user_id then 'owner' else p.role end as role, p.joined_at, p.last_read_seq, p.last_read_at,
          p.muted_until, p.pinned
        from chat_participants p join chats c on c.id = p.chat_id
        where p.user_id = ${userId} order by c.id limit ${chatsPerUserMax}
      `),
    block: () =>
      read(sql`
        select b.blocked_id as user_id, u.username, b.created_at
        from user_blocks b join users u on u.id = b.blocked_id
        where b.blocker_id = ${userId} order by b.id limit ${blockedMax}
      `),
    last_seen: () => read(sql`select last_seen_at from last_seen where user_id = ${userId}`),
  };
}

const Numbered = z.object({ id: z.int() }).catchall(z.unknown());

/** The parts that a person may have many rows of: each reads a page above an id, in the order of their ids. */
export function findLargeParts(sql: Sql, userId: number, limit: number) {
  type Page = (afterId: number) => Promise<z.infer<typeof Numbered>[]>;
  const parts: Record<string, Page> = {
    // Those that the person has added to chats are theirs, too. Their secrets are not exported.
    webhook: async (afterId) =>
      many(
        await sql`
          select id, chat_id, url, events, is_enabled, off_reason, failing_since, created_at
          from webhooks where user_id = ${userId} and id > ${afterId} order by id limit ${limit}
        `,
        Numbered,
      ),
    incoming_webhook: async (afterId) =>
      many(
        await sql`
          select id, chat_id, name, created_at, last_used_at
          from incoming_webhooks where created_by = ${userId} and id > ${afterId} order by id limit ${limit}
        `,
        Numbered,
      ),
    report: async (afterId) =>
      many(
        await sql`
          select id, chat_id, message_id, reason, created_at, resolved_at
          from message_reports where user_id = ${userId} and id > ${afterId} order by id limit ${limit}
        `,
        Numbered,
      ),
    usage_day: async (afterId) =>
      many(
        await sql`
          select (day - date '2000-01-01') as id, day::text as day, answers, prompt_tokens, answer_tokens, thoughts_tokens,
            cached_tokens, total_tokens
          from usage_days
          where kind = 'user' and id = ${userId} and day > date '2000-01-01' + ${afterId}::int
          order by day limit ${limit}
        `,
        Numbered,
      ),
    audit_event: async (afterId) =>
      many(
        await sql`
          select id, at, action, outcome, target, address, user_agent, details
          from audit_events
          -- In one condition with "or", the planner might look through the events of everybody in the order of their ids.
          where id in (
            select id from audit_events where actor_id = ${userId} and id > ${afterId}
            union
            -- Without what other people have done to the account: nobody may learn who has blocked them, or from which address.
            -- "is null" would go by the index on actors, to the events of everybody who was not signed in.
            select id from audit_events where target = ${`user:${userId}`} and coalesce(actor_id, 0) = 0 and id > ${afterId}
          )
          order by id limit ${limit}
        `,
        Numbered,
      ),
  };
  return parts;
}

/** The highest id of a message. */
export async function findLastMessageId(sql: Sql): Promise<number> {
  const row = maybe(
    await sql`select coalesce(max(id), 0) as id from messages`,
    z.object({ id: z.int() }),
  );
  return row?.id ?? 0;
}

/** Finds messages that a person has written, with the texts before their edits, among the ids above `after` and up to `to`. */
export async function findOwnMessages(
  sql: Sql,
  userId: number,
  { after, to, limit }: { after: number; to: number; limit: number },
): Promise<z.infer<typeof Numbered>[]> {
  return many(
    await sql`
      select m.id, m.chat_id, m.seq, m.content, m.created_at, m.edited_at, m.reply_to, m.attachments,
        array(select content from message_versions where message_id = m.id order by updated_seq) as earlier_contents
      from messages m
      where m.id > ${after} and m.id <= ${to} and m.user_id = ${userId} and m.deleted_at is null
      order by m.id limit ${limit}
    `,
    Numbered,
  );
}

/** Finds reactions of a person in a chat that they are in. */
export async function findOwnReactions(
  sql: Sql,
  userId: number,
  chatId: number,
  { after, limit }: { after: { messageId: number; emoji: string }; limit: number },
) {
  return many(
    await sql`
      select chat_id, message_id, emoji, created_at
      from message_reactions
      where chat_id = ${chatId} and user_id = ${userId}
        and (message_id, emoji) > (${after.messageId}, ${after.emoji})
      order by message_id, emoji limit ${limit}
    `,
    z.object({ message_id: z.int(), emoji: z.string() }).catchall(z.unknown()),
  );
}
