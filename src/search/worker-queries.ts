// The statements of the worker that fills the index.
import { z } from "zod";
import { many, one, withoutWaiting, type Sql } from "../database/connect.ts";
import { AttachmentKind } from "../wire/attachments.ts";

const LeaseRow = z.object({ is_held: z.boolean() });

/**
 * Makes a server the worker, or keeps it so, unless another one is.
 * @returns whether it is the worker for now; false also where there are no chats
 */
export async function holdWorkerLease(
  sql: Sql,
  serverId: string,
  leaseMs: number,
): Promise<boolean> {
  const row = one(
    await sql`
      with held as materialized (
        select server_id, expires_at from search_worker where expires_at >= now()
      ),
      taken as (
        insert into search_worker as w (server_id, expires_at)
        select ${serverId}, now() + ${leaseMs} * interval '1 millisecond'
        where not exists (
          -- A lease that has half of its time left is not renewed: a pass should write nothing where nothing was sent.
          select from held
          where server_id <> ${serverId} or expires_at > now() + ${leaseMs / 2} * interval '1 millisecond'
        )
          -- A database that is still empty has to remain so: a backup can be restored into it.
          and exists (select from chats)
        on conflict (id) do update
        set server_id = excluded.server_id, expires_at = excluded.expires_at
        where w.expires_at < now() or w.server_id = excluded.server_id
        returning server_id
      )
      select exists (select from taken) or exists (select from held where server_id = ${serverId}) as is_held,
        ${withoutWaiting(sql)}
    `,
    LeaseRow,
  );
  return row.is_held;
}

/** Lets another server become the worker at once. */
export async function releaseWorkerLease(sql: Sql, serverId: string): Promise<void> {
  await sql`delete from search_worker where server_id = ${serverId}`;
}

const ChatBehind = z
  .object({ chat_id: z.int(), indexed_seq: z.int(), last_seq: z.int(), is_known: z.boolean() })
  .transform((row) => ({
    chatId: row.chat_id,
    indexedSeq: row.indexed_seq,
    lastSeq: row.last_seq,
    isKnown: row.is_known,
  }));
export type ChatBehind = z.infer<typeof ChatBehind>;

/**
 * Finds chats whose log goes on above what is indexed. All chats are compared, because the numbers of a chat are the only ones that are
 * committed in their order: behind the newest id of a message, an older one may still appear. 10,000 chats take 4 ms.
 */
export async function findChatsBehind(sql: Sql, limit: number): Promise<ChatBehind[]> {
  return many(
    await sql`
      select c.id as chat_id, coalesce(p.indexed_seq, 0) as indexed_seq, c.last_seq, p.chat_id is not null as is_known
      from chats c
      left join search_progress p on p.chat_id = c.id
      where c.last_seq > coalesce(p.indexed_seq, 0)
      limit ${limit}
    `,
    ChatBehind,
  );
}

/** Makes the rows of chats that have not been looked at. */
export async function addToProgress(sql: Sql, chatIds: readonly number[]): Promise<void> {
  await sql`
    insert into search_progress (chat_id, indexed_seq)
    select id, 0 from chats where id = any (${[...chatIds]}::bigint[]) order by id
    on conflict do nothing
  `;
}

/** A part of a chat's log: the numbers above `after`, up to `upTo`. */
export interface LogPart {
  readonly chatId: number;
  readonly after: number;
  readonly upTo: number;
}

/** The text of a file that searches find. */
const SearchedFile = z.object({
  name: z.string(),
  kind: AttachmentKind,
  transcript: z.string().optional(),
});

const PendingText = z
  .object({
    id: z.int(),
    chat_id: z.int(),
    user_id: z.int().nullable(),
    is_bot: z.boolean(),
    content: z.string(),
    attachments: z.array(SearchedFile),
    content_seq: z.int(),
    /** Milliseconds since the epoch; null for a text that replaces another one. */
    sent_ms: z.int().nullable(),
  })
  .transform((row) => ({
    id: row.id,
    chatId: row.chat_id,
    userId: row.user_id,
    isBot: row.is_bot,
    content: row.content,
    files: row.attachments,
    contentSeq: row.content_seq,
    sentMs: row.sent_ms,
  }));
export type PendingText = z.infer<typeof PendingText>;

/**
 * Reads the messages that came or changed within parts of the logs, in their latest state. Deleted ones, whose words are gone, and
 * answers that are being streamed, whose end has a number of its own, are left out.
 */
export async function readPendingTexts(
  sql: Sql,
  parts: readonly LogPart[],
): Promise<PendingText[]> {
  return many(
    await sql`
      select m.id, m.chat_id, m.user_id, m.is_bot, m.content, m.attachments, coalesce(m.content_seq, m.seq) as content_seq,
        case when m.content_seq is null then (extract(epoch from m.created_at) * 1000)::bigint end as sent_ms
      from unnest(
        ${parts.map(({ chatId }) => chatId)}::bigint[],
        ${parts.map(({ after }) => after)}::bigint[],
        ${parts.map(({ upTo }) => upTo)}::bigint[]
      ) as part (chat_id, after, up_to)
      cross join lateral (
        select id from messages where chat_id = part.chat_id and seq > part.after and seq <= part.up_to
        union
        select message_id from chat_changes
        where chat_id = part.chat_id and seq > part.after and seq <= part.up_to
          and kind in ('message_updated', 'answer_ended')
      ) changed
      join messages m on m.id = changed.id
      where m.deleted_at is null and m.status <> 'streaming'
      order by m.id
    `,
    PendingText,
  );
}

export interface Entry {
  readonly messageId: number;
  readonly contentSeq: number;
  /** A tsvector, see entryWords. */
  readonly words: string;
}

const StoredRow = z.object({ stored: z.int() });

/**
 * Stores the words of messages, and how far their chats are indexed. Words of an older text never replace those of a newer one, and
 * a deleted message has a row with its last number: what was read before is stored for no message that has changed meanwhile. Of a
 * chat that was deleted meanwhile nothing is stored.
 * @param rewrites whether words that are stored already for the same text are replaced
 * @returns the number of stored messages
 */
export async function storeEntries(
  sql: Sql,
  entries: readonly Entry[],
  parts: readonly LogPart[],
  { rewrites }: { rewrites: boolean },
): Promise<number> {
  const row = one(
    await sql`
      with progress as materialized (
        select p.chat_id, part.up_to
        from unnest(
          ${parts.map(({ chatId }) => chatId)}::bigint[],
          ${parts.map(({ upTo }) => upTo)}::bigint[]
        ) as part (chat_id, up_to)
        join search_progress p on p.chat_id = part.chat_id
        order by p.chat_id
        for update of p
      ),
      stored as (
        insert into search_entries as e (chat_id, created_at, message_id, content_seq, words)
        select m.chat_id, m.created_at, m.id, entry.content_seq, entry.words::tsvector
        from unnest(
          ${entries.map(({ messageId }) => messageId)}::bigint[],
          ${entries.map(({ contentSeq }) => contentSeq)}::bigint[],
          ${entries.map(({ words }) => words)}::text[]
        ) as entry (message_id, content_seq, words)
        join messages m on m.id = entry.message_id
        join progress on progress.chat_id = m.chat_id
        where m.deleted_at is null
        order by m.chat_id, m.created_at, m.id
        on conflict (chat_id, created_at, message_id) do update
        set content_seq = excluded.content_seq, words = excluded.words
        where e.content_seq < excluded.content_seq or (${rewrites} and e.content_seq = excluded.content_seq)
        returning message_id
      ),
      moved as (
        update search_progress p
        set indexed_seq = progress.up_to
        from progress
        where p.chat_id = progress.chat_id and p.indexed_seq < progress.up_to
      )
      select count(*)::int as stored,
        -- A crash that loses the words loses the progress, too.
        ${withoutWaiting(sql)}
      from stored
    `,
    StoredRow,
  );
  return row.stored;
}
