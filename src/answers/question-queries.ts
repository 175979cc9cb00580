// Whether a message asks the model, as far as its chat and its answers tell.
import { z } from "zod";
import { maybe, one, type Sql } from "../database/connect.ts";

const ChatRow = z.object({ is_ai_chat: z.boolean() });

/** @returns undefined for a chat that the caller is not in */
export async function findIsAiChat(
  sql: Sql,
  callerId: number,
  chatId: number,
): Promise<boolean | undefined> {
  const row = maybe(
    await sql`
      select c.is_ai_chat
      from chat_participants me
      join chats c on c.id = me.chat_id
      where me.chat_id = ${chatId} and me.user_id = ${callerId}
    `,
    ChatRow,
  );
  return row?.is_ai_chat;
}

const FoundRow = z.object({ found: z.boolean() });

/**
 * Whether a message asked the model: it has an answer, which may be running or deleted, or its words ask and a person wrote it. An author
 * whose account is gone may have been a bot, whose words ask nothing.
 * @param asks whether its words ask
 */
export async function hasAsked(
  sql: Sql,
  { id, user_id: userId }: { id: number; user_id: number | null },
  asks: boolean,
): Promise<boolean> {
  const row = one(
    await sql`
      select exists (select from messages where answer_to = ${id}) or (
        ${asks} and exists (select from users where id = ${userId} and bot_owner_id is null and deleted_at is null)
      ) as found
    `,
    FoundRow,
  );
  return row.found;
}
