// The data of an event, read from the log when it is sent: a resource that has changed since is in its latest state.
import { z } from "zod";
import { shownName } from "../chats/column-queries.ts";
import { maybe, type Sql } from "../database/connect.ts";
import { chatColumns } from "../log/chat-columns.ts";
import { messageColumns } from "../log/messages.ts";
import { readOtherFrames } from "../log/other-frames.ts";
import { Chat } from "../wire/chats.ts";
import { Message } from "../wire/messages.ts";
import type { DueDelivery } from "./due-delivery-queries.ts";

/** The body of a delivery. `data` has the chat and the number of the event, and the resource under its name. */
export interface EventBody {
  readonly type: string;
  /** The time of the event. */
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const AtTime = z.object({ at: z.iso.datetime() });

/** Reads the body of an event. @returns undefined if there is nothing left to tell: the message or the chat is gone */
export async function readEvent(
  sql: Sql,
  { type, chat_id: chatId, seq, person_id: personId }: DueDelivery,
  nowMs: number,
): Promise<EventBody | undefined> {
  const now = new Date(nowMs).toISOString();
  if (type === "test") return { type, timestamp: now, data: { message: "This is a test." } };
  if (chatId === null) return undefined;
  const head = { chat_id: chatId, seq };
  if (type === "chat.deleted") return { type, timestamp: now, data: { chat_id: chatId } };
  if (seq === null) return undefined;
  if (/^(message|answer|mention)/.test(type)) {
    const found = await findNumberedMessage(sql, chatId, seq);
    if (!found) return undefined;
    const { at, ...message } = found;
    return { type, timestamp: at, data: { ...head, message } };
  }
  const chat = await findChatAs(sql, chatId, personId);
  if (!chat) return undefined;
  const timestamp = (await findChangeTime(sql, chatId, seq)) ?? now;
  if (type === "invite") return { type, timestamp, data: { ...head, chat } };
  const [frame] = await readOtherFrames(sql, chat, seq - 1, seq);
  switch (frame?.type) {
    case "chat_updated":
      return { type, timestamp, data: { ...head, chat } };
    case "participant_added":
      return { type, timestamp, data: { ...head, participant: frame.participant } };
    case "participant_removed": {
      const { user_id: id, username } = frame;
      return { type, timestamp, data: { ...head, participant: { id, username } } };
    }
    case "reaction": {
      const { message_id, emoji, user_id, username, count } = frame;
      return {
        type,
        timestamp,
        data: { ...head, reaction: { message_id, emoji, user_id, username, count } },
      };
    }
    default:
      // The reactions of a deleted message are changes of the message.
      return undefined;
  }
}

/** The message that took a number, or that changed with it. */
async function findNumberedMessage(sql: Sql, chatId: number, seq: number) {
  return maybe(
    await sql`
      select ${messageColumns(sql)}, numbered.at
      from (
        select id, created_at as at from messages where chat_id = ${chatId} and seq = ${seq}
        union all
        select message_id, created_at from chat_changes where chat_id = ${chatId} and seq = ${seq} and message_id is not null
      ) numbered
      join messages m on m.id = numbered.id
      left join users u on u.id = m.user_id
    `,
    z.object({ ...Message.shape, ...AtTime.shape }),
  );
}

/** @param personId the person who sees it; null for the chat as it is stored */
async function findChatAs(
  sql: Sql,
  chatId: number,
  personId: number | null,
): Promise<Chat | undefined> {
  const name = personId === null ? sql`c.name` : shownName(sql, personId);
  return maybe(
    await sql`select ${chatColumns(sql, name)} from chats c where c.id = ${chatId}`,
    Chat,
  );
}

async function findChangeTime(sql: Sql, chatId: number, seq: number): Promise<string | undefined> {
  const row = maybe(
    await sql`select created_at as at from chat_changes where chat_id = ${chatId} and seq = ${seq}`,
    AtTime,
  );
  return row?.at;
}
