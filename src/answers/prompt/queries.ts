// The messages and settings that a prompt is made from.
import { z } from "zod";
import { many, maybe, type Fragment, type Sql } from "../../database/connect.ts";
import { ChatSettings } from "../../wire/chats.ts";
import { filesOfMessage, PromptFile } from "./prompt-file.ts";

export const PastMessage = z.object({
  id: z.int(),
  seq: z.int(),
  updated_seq: z.int(),
  ordinal: z.int(),
  username: z.string(),
  content: z.string(),
  is_bot: z.boolean(),
  files: z.array(PromptFile).nullish(),
});
/** A message as a prompt needs it. */
export type PastMessage = z.infer<typeof PastMessage>;

interface PastRange {
  upToSeq: number;
  limit: number;
  bytesMax: number | undefined;
}

/** @param chatId the id of the chat, as SQL */
const newestFirst = (sql: Sql, chatId: Fragment, { upToSeq, limit, bytesMax }: PastRange) => sql`
  select m.id, m.seq, m.updated_seq, m.ordinal, coalesce(u.username, '') as username, m.content, m.is_bot,
    ${filesOfMessage(sql)} as files
  from (
    select id, chat_id, seq, updated_seq, ordinal, user_id, content, is_bot, attachments,
      sum(octet_length(content)) over (order by seq desc) as bytes
    from (
      select id, chat_id, seq, updated_seq, ordinal, user_id, content, is_bot, attachments
      from messages
      where chat_id = ${chatId} and seq <= ${upToSeq} and status <> 'streaming'
        and (content <> '' or attachments::text <> '[]')
      order by seq desc
      limit ${limit}
    ) newest
  ) m
  left join users u on u.id = m.user_id
  where ${bytesMax ?? null}::bigint is null or m.bytes <= ${bytesMax ?? null} or m.bytes = octet_length(m.content)
  order by m.seq desc
`;

/**
 * The newest messages of a chat up to a number, oldest first, without answers that have neither text nor files: at most `limit`, and
 * none whose text, with those of all that are newer, exceeds `bytesMax`. The newest is always there.
 */
export async function findPastMessages(
  sql: Sql,
  chatId: number,
  range: PastRange,
): Promise<PastMessage[]> {
  return many(await newestFirst(sql, sql`${chatId}`, range), PastMessage).reverse();
}

/** Finds the message that a question replies to. @returns undefined when it was deleted, or is an answer without text */
export async function findRepliedTo(
  sql: Sql,
  chatId: number,
  messageId: number,
): Promise<PastMessage | undefined> {
  return maybe(
    await sql`
      select m.id, m.seq, m.updated_seq, m.ordinal, coalesce(u.username, '') as username, m.content, m.is_bot,
        ${filesOfMessage(sql)} as files
      from messages m
      left join users u on u.id = m.user_id
      where m.id = ${messageId} and m.chat_id = ${chatId} and m.deleted_at is null
        and (m.content <> '' or m.attachments::text <> '[]')
    `,
    PastMessage,
  );
}

const PromptRoom = z.object({
  id: z.int(),
  name: z.string(),
  settings: ChatSettings,
  is_ai_chat: z.boolean(),
  revision: z.int(),
  token_ratio: z.number(),
  summary_id: z.int().nullable(),
  summary_up_to_seq: z.int().nullable(),
  summary: z.string().nullable(),
});
/** A room as a prompt needs it: with its newest summary and the correction of its token estimates. */
export type PromptRoom = z.infer<typeof PromptRoom>;

const roomColumns = (sql: Sql) => sql`
  c.id, c.name, c.settings, c.is_ai_chat, c.revision, coalesce(b.token_ratio, 1) as token_ratio,
  s.id as summary_id, s.up_to_seq as summary_up_to_seq, s.content as summary
`;

const roomTables = (sql: Sql, upToSeq: number) => sql`
  chats c
  left join budgets b on b.kind = 'chat' and b.id = c.id
  left join lateral (
    select id, up_to_seq, content from chat_summaries
    where chat_id = c.id and up_to_seq < ${upToSeq}
    order by up_to_seq desc
    limit 1
  ) s on true
`;

/**
 * Finds a room for the server itself, which acts without a person.
 * @param upToSeq a summary must not reach beyond it
 * @returns undefined for a chat that is gone
 */
export async function findPromptRoom(
  sql: Sql,
  chatId: number,
  upToSeq: number,
): Promise<PromptRoom | undefined> {
  return maybe(
    await sql`select ${roomColumns(sql)} from ${roomTables(sql, upToSeq)} where c.id = ${chatId}`,
    PromptRoom,
  );
}

const RoomWithPast = z.object({
  ...PromptRoom.shape,
  past: z.array(PastMessage),
  is_known: z.boolean(),
});

/**
 * Finds a room and the messages of {@link findPastMessages} in one statement: both are of the same moment, and somebody waits
 * for the first word of the answer.
 * @param clientId `isKnown` tells whether the caller has sent a message with it before
 * @returns undefined for a chat that is gone, or that the caller is not in
 */
export async function findRoomWithPast(
  sql: Sql,
  callerId: number,
  chatId: number,
  range: PastRange,
  clientId?: string,
): Promise<{ room: PromptRoom; past: PastMessage[]; isKnown: boolean } | undefined> {
  const row = maybe(
    await sql`
      select ${roomColumns(sql)},
        (
          select coalesce(json_agg(m order by m.seq), '[]') from (${newestFirst(sql, sql`c.id`, range)}) m
        ) as past,
        exists (
          select from messages where chat_id = c.id and user_id = me.user_id and client_id = ${clientId ?? null}::text
        ) as is_known
      from ${roomTables(sql, range.upToSeq)}
      join chat_participants me on me.chat_id = c.id and me.user_id = ${callerId}
      where c.id = ${chatId}
    `,
    RoomWithPast,
  );
  if (!row) return undefined;
  const { past, is_known: isKnown, ...room } = row;
  return { room, past, isKnown };
}
