import { z } from "zod";
import { many, maybe, type Sql } from "../database/connect.ts";
import { wireTime } from "../database/wire-json.ts";
import { blankMessage } from "../wire/blank-message.ts";
import { botUsername, Message } from "../wire/messages.ts";
import { deletedUsername } from "../wire/deleted-username.ts";

/** Every member of a Message, in the order of the wire. */
export const memberNames: readonly string[] = Object.keys(blankMessage);
/** SQL text of the name that is shown for the author of `messages m`, from `users u`. */
export const shownUsername = `case when m.is_bot then '${botUsername}' else coalesce(u.username, '${deletedUsername}') end`;

/** The username is no column of the messages: it is joined from the users. */
const columnNames = memberNames.filter((name) => name !== "username");

/**
 * The columns of a Message in the table, without the username. A statement reads or returns them in an inner select, and its
 * outer select adds the username with {@link messageColumns}.
 * @param from the table's name or alias, if other tables of the statement have columns with the same names
 */
export function storedColumns(sql: Sql, from?: string) {
  const prefix = from === undefined ? "" : `${from}.`;
  return sql.unsafe(columnNames.map((name) => prefix + name).join(", "));
}

/** The columns of a Message, from `messages m left join users u on u.id = m.user_id`. */
export function messageColumns(sql: Sql) {
  return sql`${storedColumns(sql, "m")}, ${sql.unsafe(shownUsername)} as username`;
}

/** The members of a Message in the order and form of the wire, from the tables of {@link messageColumns}. */
export const wireMembers = memberNames
  .map((name) => {
    if (name === "username") return `${shownUsername} as username`;
    return name.endsWith("_at") ? `${wireTime(`m.${name}`)} as ${name}` : `m.${name}`;
  })
  .join(", ");

export async function findMessage(
  sql: Sql,
  userId: number,
  chatId: number,
  messageId: number,
): Promise<Message | undefined> {
  return maybe(
    await sql`
      select ${messageColumns(sql)}
      from chat_participants me
      join messages m on m.chat_id = me.chat_id
      left join users u on u.id = m.user_id
      where me.chat_id = ${chatId} and me.user_id = ${userId} and m.id = ${messageId}
    `,
    Message,
  );
}

/** A message that is sent again: in its latest state, with the content that it was sent with first. */
export interface SentMessage {
  message: Message;
  /** Null once the message was deleted: then no text of it is left. */
  sentContent: string | null;
}

const SentRow = z.object({ ...Message.shape, sent_content: z.string().nullable() });

function sentMessage({ sent_content: sentContent, ...message }: z.infer<typeof SentRow>) {
  return { message, sentContent };
}

const sentContent = (sql: Sql) => sql`
  case when m.deleted_at is null then coalesce(
    (select content from message_versions where message_id = m.id and updated_seq = m.seq),
    m.content
  ) end as sent_content
`;

/** Finds the message that a person has sent to a chat with a client id. @returns undefined also when they are not in the chat */
export async function findMessageByClientId(
  sql: Sql,
  userId: number,
  chatId: number,
  clientId: string,
): Promise<SentMessage | undefined> {
  const row = maybe(
    await sql`
      select ${messageColumns(sql)}, ${sentContent(sql)}
      from chat_participants me
      join messages m on m.chat_id = me.chat_id and m.user_id = me.user_id and m.client_id = ${clientId}
      join users u on u.id = m.user_id
      where me.chat_id = ${chatId} and me.user_id = ${userId}
    `,
    SentRow,
  );
  return row && sentMessage(row);
}

/** Finds messages that are sent again by their ids. Those that are gone with their chat are left out. */
export async function findSentMessages(
  sql: Sql,
  messageIds: number[],
): Promise<Map<number, SentMessage>> {
  const rows = many(
    await sql`
      select ${messageColumns(sql)}, ${sentContent(sql)}
      from messages m
      left join users u on u.id = m.user_id
      where m.id = any (${messageIds}::bigint[])
    `,
    SentRow,
  );
  return new Map(rows.map((row) => [row.id, sentMessage(row)]));
}
