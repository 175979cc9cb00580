// Whether the index of the searches is what the messages say.
import { z } from "zod";
import { many, type Sql } from "../../src/database/connect.ts";
import { Attachment } from "../../src/wire/attachments.ts";
import { entryWords } from "../../src/search/entry-words.ts";

const Stored = z.object({
  id: z.int(),
  chat_id: z.int(),
  user_id: z.int().nullable(),
  is_bot: z.boolean(),
  content: z.string(),
  is_deleted: z.boolean(),
  attachments: z.array(Attachment),
});
const Fault = z.object({ message_id: z.int(), fault: z.string() });

/**
 * Compares all entries with all messages.
 * @returns a line for each message that is missing, has other words than its text, or has words though it was deleted or is gone;
 * nothing of answers that are being streamed
 */
export async function indexFaults(sql: Sql): Promise<string[]> {
  const messages = many(
    await sql`
      select m.id, m.chat_id, m.user_id, m.is_bot, m.content, m.attachments, m.deleted_at is not null as is_deleted
      from messages m join chats c on c.id = m.chat_id
      where m.status <> 'streaming'
    `,
    Stored,
  );
  const faults = many(
    await sql`
      select expected.id as message_id, fault
      from unnest(
        ${messages.map(({ id }) => id)}::bigint[],
        ${messages.map(wordsOfMessage)}::text[]
      ) as expected (id, words)
      join messages m on m.id = expected.id
      left join search_entries e on e.chat_id = m.chat_id and e.created_at = m.created_at and e.message_id = m.id
      cross join lateral (
        select case
          when e.message_id is null and m.deleted_at is null then 'is missing'
          when e.words <> expected.words::tsvector then 'has other words'
          when m.deleted_at is null and e.content_seq <> coalesce(m.content_seq, m.seq) then 'is of another text'
        end as fault
      ) compared
      where fault is not null
      union all
      select e.message_id, 'is not there, but its words are'
      from search_entries e
      where not exists (select from messages m where m.id = e.message_id)
    `,
    Fault,
  );
  return faults.map(({ message_id, fault }) => `message ${message_id} ${fault}`);
}

function wordsOfMessage({ is_deleted, ...message }: z.infer<typeof Stored>) {
  const { chat_id: chatId, user_id: userId, is_bot: isBot, content, attachments: files } = message;
  return is_deleted ? "" : entryWords({ chatId, userId, isBot, content, files });
}
