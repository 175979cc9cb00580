// Changes of a stored message. Each locks the chat's row first and takes the room's next number in the same statement.
import { z } from "zod";
import { insertEvent, type Actor } from "../audit/queries.ts";
import { maybe, type Sql } from "../database/connect.ts";
import { messageColumns, storedColumns } from "../log/messages.ts";
import { Message, versionsMax } from "../wire/messages.ts";

/**
 * The chat and the message that are to be changed, as common table expressions; `target` is empty for a chat that the caller is
 * not in. The message is locked, because a plain read would show it as it was before the statement waited for the chat.
 */
const lockedMessage = (sql: Sql, callerId: number, chatId: number, messageId: number) => sql`
  locked as materialized (
    select c.id, c.owner_id, c.last_seq, c.message_count, me.role as caller_role
    from chats c
    join chat_participants me on me.chat_id = c.id and me.user_id = ${callerId}
    where c.id = ${chatId}
    for no key update of c
    for share of me
  ),
  target as materialized (
    select ${storedColumns(sql, "m")}, coalesce(m.content_seq, m.seq) as content_seq, locked.owner_id, locked.caller_role,
      locked.last_seq + 1 as next_seq, m.ordinal = locked.message_count as is_newest
    from locked
    join messages m on m.chat_id = locked.id and m.id = ${messageId}
    for no key update of m
  )
`;

/** The number of a change moves the chat, and is noted for those who read the log. */
const numbered = (sql: Sql) => sql`
  moved as (
    update chats set last_seq = changed.updated_seq from changed where chats.id = changed.chat_id
  ),
  noted as (
    insert into chat_changes (chat_id, seq, kind, message_id)
    select chat_id, updated_seq, 'message_updated', id from changed
  )
`;

/** The message after the statement, with the outcome. */
const changedOrNot = (sql: Sql) => sql`
  select ${messageColumns(sql)}, m.outcome, m.is_newest, m.mentioned_before
  from (
    select ${storedColumns(sql, "changed")}, verdict.outcome, verdict.is_newest, verdict.mentions as mentioned_before
    from changed, verdict
    union all
    select ${storedColumns(sql)}, outcome, is_newest, mentions from verdict where not exists (select from changed)
  ) m
  left join users u on u.id = m.user_id
`;

const changeRow = <T extends string>(outcomes: T[]) =>
  z
    .object({
      ...Message.shape,
      outcome: z.enum(outcomes),
      /** Whether no message of the chat is newer. */
      is_newest: z.boolean(),
      /** The people whom it mentioned before the statement. */
      mentioned_before: z.array(z.int()),
    })
    .transform(
      ({ outcome, is_newest: isNewest, mentioned_before: mentionedBefore, ...message }) => ({
        outcome,
        isNewest,
        mentionedBefore,
        message,
      }),
    );

const EditedMessage = changeRow([
  "edited",
  "unchanged",
  "bots",
  "not_author",
  "deleted",
  "no_content",
  "no_question",
  "changed_meanwhile",
]);

/**
 * Replaces the content of a message of the caller, and keeps the text before. At most `versionsMax` texts are kept: the first,
 * which tells retries of the send, and the newest.
 * @param ifSeq the edit needs this number to be the message's `updated_seq`. An edit to the same content does not, because it
 * may be a retry.
 * @param mentions ids of the people whom the new content mentions; those who are no longer in the chat are left out
 * @param hasNoQuestion whether the content only calls the model, which needs a reply or files that it is about
 * @returns undefined for a chat that the caller is not in, and for an unknown message
 */
export async function updateContent(
  sql: Sql,
  callerId: number,
  ids: { chatId: number; messageId: number },
  {
    content,
    ifSeq,
    mentions,
    hasNoQuestion,
  }: {
    content: string;
    ifSeq: number | undefined;
    mentions: readonly number[];
    hasNoQuestion: boolean;
  },
): Promise<z.infer<typeof EditedMessage> | undefined> {
  return maybe(
    await sql`
      with ${lockedMessage(sql, callerId, ids.chatId, ids.messageId)},
      verdict as materialized (
        select target.*, case
          when deleted_at is not null then 'deleted'
          when is_bot then 'bots'
          when user_id is distinct from ${callerId} then 'not_author'
          when content = ${content} then 'unchanged'
          when ${content} = '' and attachments::text = '[]' then 'no_content'
          when ${hasNoQuestion} and reply_to is null and attachments::text = '[]' then 'no_question'
          when updated_seq <> ${ifSeq ?? null}::bigint then 'changed_meanwhile'
          else 'edited'
        end as outcome
        from target
      ),
      -- A removal may have been committed while the statement waited for the chat.
      mentioned as materialized (
        select p.user_id, t.place
        from verdict
        cross join unnest(${[...mentions]}::bigint[]) with ordinality as t (user_id, place)
        join chat_participants p on p.chat_id = verdict.chat_id and p.user_id = t.user_id
        where verdict.outcome = 'edited'
        for key share of p
      ),
      changed as (
        update messages m
        set content = ${content},
            mentions = array(select user_id from mentioned order by place),
            edited_at = now(),
            updated_seq = verdict.next_seq,
            content_seq = verdict.next_seq
        from verdict
        where m.chat_id = verdict.chat_id and m.id = verdict.id and verdict.outcome = 'edited'
        returning ${storedColumns(sql, "m")}
      ),
      kept as (
        insert into message_versions (message_id, updated_seq, content, created_at)
        select id, content_seq, content, coalesce(edited_at, created_at) from verdict where outcome = 'edited'
      ),
      forgotten as (
        delete from message_versions v
        using (
          select kept.message_id, kept.updated_seq, row_number() over (order by kept.updated_seq desc) as age, verdict.seq
          from verdict
          join message_versions kept on kept.message_id = verdict.id
          where verdict.outcome = 'edited'
        ) old
        where v.message_id = old.message_id and v.updated_seq = old.updated_seq
          and old.age > ${versionsMax - 3} and old.updated_seq <> old.seq
      ),
      ${numbered(sql)}
      ${changedOrNot(sql)}
    `,
    EditedMessage,
  );
}

const DeletedMessage = changeRow(["deleted", "unchanged", "streaming", "forbidden"]);

/**
 * Deletes a message of the caller, an answer to a question of theirs, any message of a chat that they own, or of one that they
 * moderate, but for the owner's messages and the answers to the owner. The message's row stays, without text. Triggers delete
 * its versions, its files and the summaries that cover it.
 * @returns undefined for a chat that the caller is not in, and for an unknown message
 */
export async function markDeleted(
  sql: Sql,
  caller: Actor,
  ids: { chatId: number; messageId: number },
): Promise<z.infer<typeof DeletedMessage> | undefined> {
  return maybe(
    await sql`
      with ${lockedMessage(sql, caller.id, ids.chatId, ids.messageId)},
      permitted as materialized (
        select target.*, coalesce(target.user_id, question.user_id) is not distinct from ${caller.id} as is_own,
          ${caller.id} = owner_id or (
            caller_role = 'moderator' and coalesce(target.user_id, question.user_id) is distinct from owner_id
          ) as is_moderated
        from target
        left join messages question on question.id = target.answer_to
      ),
      verdict as materialized (
        select permitted.*, case
          when not (is_own or is_moderated) then 'forbidden'
          when deleted_at is not null then 'unchanged'
          when status = 'streaming' then 'streaming'
          else 'deleted'
        end as outcome
        from permitted
      ),
      changed as (
        update messages m
        set content = '',
            -- PostgreSQL checks constraints on the row of the statement's snapshot first, in which an answer that has ended since
            -- then still streams.
            status = verdict.status,
            mentions = '{}',
            reactions = '[]',
            attachments = '[]',
            error = null,
            sources = null,
            edited_at = null,
            deleted_at = now(),
            updated_seq = verdict.next_seq,
            content_seq = verdict.next_seq
        from verdict
        where m.chat_id = verdict.chat_id and m.id = verdict.id and verdict.outcome = 'deleted'
        returning ${storedColumns(sql, "m")}
      ),
      ${numbered(sql)},
      audited as (${insertEvent(
        sql,
        {
          action: "delete_message",
          outcome: "ok",
          actor: caller,
          target: `chat:${ids.chatId}`,
          details: sql`jsonb_strip_nulls(jsonb_build_object('message_id', verdict.id, 'user_id', verdict.user_id))`,
          source: caller.source,
        },
        sql`from verdict where outcome = 'deleted' and not is_own`,
      )})
      ${changedOrNot(sql)}
    `,
    DeletedMessage,
  );
}
