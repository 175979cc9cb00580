// The data of an event, read from the log when it is sent: a resource that has changed since is in its latest state.
import { z } from "zod";
import { shownName } from "../chats/column-queries.ts";
import { many, maybe, type Sql } from "../database/connect.ts";
import { chatColumns } from "../log/chat-columns.ts";
import { messageColumns } from "../log/messages.ts";
import { readFramesOf } from "../log/other-frames.ts";
import { Chat } from "../wire/chats.ts";
import { numberOf, type DurableFrame } from "../wire/frames.ts";
import { Message } from "../wire/messages.ts";
import type { DueDelivery } from "./due-delivery-queries.ts";

/** The body of a delivery. `data` has the chat and the number of the event, and the resource under its name. */
export interface EventBody {
  readonly type: string;
  /** The time of the event. */
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>>;
}

type Due = Pick<DueDelivery, "id" | "type" | "chat_id" | "seq" | "person_id">;
/** A delivery of an event that took a number in a chat. */
type Numbered = Due & { chat_id: number; seq: number };

/**
 * Reads the bodies of events, each kind of data in one statement for all of them.
 * @returns the bodies by the ids of their deliveries, without those of which nothing is left to tell: the message or the chat is gone
 */
export async function readEvents(
  sql: Sql,
  deliveries: readonly Due[],
  nowMs: number,
): Promise<Map<number, EventBody>> {
  const now = new Date(nowMs).toISOString();
  const bodies = new Map<number, EventBody>();
  const ofMessages: Numbered[] = [];
  const ofChats: Numbered[] = [];
  for (const delivery of deliveries) {
    const { id, type, chat_id: chatId, seq } = delivery;
    if (type === "test") {
      bodies.set(id, { type, timestamp: now, data: { message: "This is a test." } });
    } else if (chatId !== null && type === "chat.deleted") {
      bodies.set(id, { type, timestamp: now, data: { chat_id: chatId } });
    } else if (chatId !== null && seq !== null) {
      const isOfMessage = /^(message|answer|mention)/.test(type);
      (isOfMessage ? ofMessages : ofChats).push({ ...delivery, chat_id: chatId, seq });
    }
  }
  await readMessages(sql, ofMessages, bodies);
  for (const [chatId, events] of Map.groupBy(ofChats, (event) => event.chat_id)) {
    await readChanges(sql, chatId, events, { bodies, now });
  }
  return bodies;
}

const keyOf = (event: { chat_id: number; seq: number }) => `${event.chat_id}:${event.seq}`;

const NumberedMessage = z.object({
  ...Message.shape,
  at: z.iso.datetime(),
  number: z.int(),
});

/** Reads the messages that took the numbers of events, or that changed with them. */
async function readMessages(
  sql: Sql,
  events: readonly Numbered[],
  bodies: Map<number, EventBody>,
): Promise<void> {
  if (events.length === 0) return;
  const rows = await sql`
    select ${messageColumns(sql)}, numbered.at, wanted.seq as number
    from (
      select distinct * from unnest(
        ${events.map((event) => event.chat_id)}::bigint[], ${events.map(({ seq }) => seq)}::bigint[]
      ) as wanted (chat_id, seq)
    ) wanted
    cross join lateral (
      select id, created_at as at from messages where chat_id = wanted.chat_id and seq = wanted.seq
      union all
      select message_id, created_at from chat_changes
      where chat_id = wanted.chat_id and seq = wanted.seq and message_id is not null
    ) numbered
    join messages m on m.id = numbered.id
    left join users u on u.id = m.user_id
  `;
  const found = new Map(
    many(rows, NumberedMessage).map(({ at, number, ...message }) => [
      keyOf({ chat_id: message.chat_id, seq: number }),
      { at, message },
    ]),
  );
  for (const { id, type, chat_id, seq } of events) {
    const numbered = found.get(keyOf({ chat_id, seq }));
    if (!numbered) continue;
    const data = { chat_id, seq, message: numbered.message };
    bodies.set(id, { type, timestamp: numbered.at, data });
  }
}

/** Reads what has changed in a chat, but for its messages. The events are all for one webhook. */
async function readChanges(
  sql: Sql,
  chatId: number,
  events: readonly Numbered[],
  { bodies, now }: { bodies: Map<number, EventBody>; now: string },
): Promise<void> {
  const chat = await findChatAs(sql, chatId, events[0]?.person_id ?? null);
  if (!chat) return;
  const numbers = events.map(({ seq }) => seq);
  const times = await findChangeTimes(sql, chatId, numbers);
  const isOther = events.some(({ type }) => type !== "invite");
  const frames = isOther ? await readFramesOf(sql, chat, numbers) : [];
  for (const { id, type, seq } of events) {
    const resource =
      type === "invite" ? { chat } : resourceOf(frames.find((frame) => numberOf(frame) === seq));
    // The reactions of a deleted message are changes of the message.
    if (!resource) continue;
    const data = { chat_id: chatId, seq, ...resource };
    bodies.set(id, { type, timestamp: times.get(seq) ?? now, data });
  }
}

/** The part of an event's data that describes a change of a chat; undefined for changes that are told as events of a message. */
function resourceOf(frame: DurableFrame | undefined): object | undefined {
  switch (frame?.type) {
    case "chat_updated":
      return { chat: frame.chat };
    case "participant_added":
      return { participant: frame.participant };
    case "participant_removed":
      return { participant: { id: frame.user_id, username: frame.username } };
    case "reaction": {
      const { message_id, emoji, user_id, username, count } = frame;
      return { reaction: { message_id, emoji, user_id, username, count } };
    }
    default:
      return undefined;
  }
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

const ChangeTime = z.object({ seq: z.int(), at: z.iso.datetime() });

async function findChangeTimes(
  sql: Sql,
  chatId: number,
  numbers: readonly number[],
): Promise<Map<number, string>> {
  const rows = await sql`
    select seq, created_at as at from chat_changes where chat_id = ${chatId} and seq = any (${numbers}::bigint[])
  `;
  return new Map(many(rows, ChangeTime).map(({ seq, at }) => [seq, at]));
}
