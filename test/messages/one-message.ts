// A message that tests change, and the numbers of its chat.
import type { World } from "../world/world.ts";

export const pathOf = (chatId: number, messageId: unknown) =>
  `/api/chats/${chatId}/messages/${String(messageId)}`;

export async function lastSeqOf({ sql }: World, chatId: number): Promise<number> {
  const [row] = await sql`select last_seq from chats where id = ${chatId}`;
  return Number(row?.last_seq);
}

/** The events of the audit trail about messages of a chat that were deleted. */
export async function auditedDeletions({ sql }: World, chatId: number) {
  const rows = await sql`
    select actor_id, outcome, details from audit_events
    where action = 'delete_message' and target = ${`chat:${chatId}`} order by id
  `;
  return Array.from(rows);
}
