// Reading a room's log: the frames in a gap of the live ones, and how far the logs of some chats reach.
import { z } from "zod";
import { many, type Sql } from "../database/connect.ts";
import type { ReadLog } from "../realtime/sequencer.ts";
import { Chat } from "../wire/chats.ts";
import {
  firstStreamFrame,
  lastStreamFrame,
  messageFrame,
  updatedFrame,
} from "../wire/message-frames.ts";
import { mergedMessage } from "../wire/merged-frames.ts";
import { numberedFrame, type NumberedFrame } from "../wire/numbered-frames.ts";
import { Message, Usage } from "../wire/messages.ts";
import { chatColumns } from "./chat-columns.ts";
import { findReactionChanges, reactionsBefore } from "./earlier-reactions.ts";
import { messageColumns } from "./messages.ts";
import { readOtherFrames } from "./other-frames.ts";

const EndedRow = z.object({ id: z.int() });

/** Finds those of some answers that had ended when their chat's log reached a number. */
export async function findEnded(sql: Sql, messageIds: number[], upTo: number): Promise<number[]> {
  const rows = many(
    await sql`
      select message_id as id from chat_changes
      where message_id = any (${messageIds}::bigint[]) and kind = 'answer_ended' and seq <= ${upTo}
    `,
    EndedRow,
  );
  return rows.map((row) => row.id);
}

const EndRow = z.object({ id: z.int(), seq: z.int() });

/** Finds the numbers at which answers ended, by the ids of their messages. An answer that runs is left out. */
async function findEnds(sql: Sql, messageIds: number[]): Promise<Map<number, number>> {
  if (messageIds.length === 0) return new Map();
  const rows = many(
    await sql`
      select message_id as id, seq from chat_changes
      where message_id = any (${messageIds}::bigint[]) and kind = 'answer_ended'
    `,
    EndRow,
  );
  return new Map(rows.map(({ id, seq }) => [id, seq]));
}

const LastSeqRow = z.object({ id: z.int(), last_seq: z.int() });

/** Finds the newest numbers of some chats. Chats that don't exist are left out. */
export async function findLastSeqs(
  sql: Sql,
  chatIds: number[],
): Promise<{ id: number; last_seq: number }[]> {
  return many(
    await sql`select id, last_seq from chats where id = any (${chatIds}::bigint[])`,
    LastSeqRow,
  );
}

const ChangedMessage = z.object({
  number: z.int(),
  kind: z.enum(["sent", "message_updated", "answer_ended"]),
  ...Message.shape,
  usage: Usage.nullable(),
});

/**
 * Makes a function that reads the frames of a chat above a number. They are the frames that were sent live, except that a
 * resource that has changed again since is in its latest state. Only the reactions of a message are those of the frame's number.
 * @param onEnded is called with every answer whose end is among the frames, before anybody receives them
 */
export function createReadLog(
  sql: Sql,
  { onEnded = () => {} }: { onEnded?: (messageId: number) => void } = {},
): ReadLog<NumberedFrame> {
  return async (chatId, after, limit) => {
    const upTo = after + limit;
    const [chat] = many(
      await sql`
        select ${chatColumns(sql)} from chats c where c.id = ${chatId}
      `,
      Chat,
    );
    if (!chat) return { lastSeq: after, frames: [] };
    const lastSeq = chat.last_seq;
    // In this order: when a message is deleted meanwhile, its reactions in the log become changes of the message. Those that were
    // read as both are in the list twice, the later state last.
    const otherFrames = await readOtherFrames(sql, chat, after, Math.min(upTo, lastSeq));
    const messageFrames = await readMessageFrames(sql, chatId, after, Math.min(upTo, lastSeq));
    const frames = [...otherFrames.map((frame) => numberedFrame(frame)), ...messageFrames];
    for (const { endedAnswerId } of frames) if (endedAnswerId !== undefined) onEnded(endedAnswerId);
    return { lastSeq, frames };
  };
}

async function readMessageFrames(
  sql: Sql,
  chatId: number,
  after: number,
  upTo: number,
): Promise<NumberedFrame[]> {
  const rows = many(
    await sql`
      select m.seq as number, 'sent' as kind, ${messageColumns(sql)}, m.usage
      from messages m
      left join users u on u.id = m.user_id
      where m.chat_id = ${chatId} and m.seq > ${after} and m.seq <= ${upTo}
      union all
      select change.seq, change.kind, ${messageColumns(sql)}, m.usage
      from chat_changes change
      join messages m on m.id = change.message_id
      left join users u on u.id = m.user_id
      where change.chat_id = ${chatId} and change.seq > ${after} and change.seq <= ${upTo}
        and change.kind in ('message_updated', 'answer_ended')
    `,
    ChangedMessage,
  );
  const isOld = (row: z.infer<typeof ChangedMessage>) =>
    row.kind === "message_updated" && row.number < row.updated_seq;
  const oldIds = rows.filter(isOld).map(({ id }) => id);
  const reactions = await findReactionChanges(sql, chatId, oldIds, after);
  const oldAnswerIds = rows
    .filter((row) => isOld(row) && row.answer_to !== null)
    .map(({ id }) => id);
  const ends = await findEnds(sql, oldAnswerIds);
  return rows.map(({ number, kind, usage, ...message }) => {
    const later = reactions.filter(
      ({ message_id, seq }) =>
        message_id === message.id && seq > number && seq <= message.updated_seq,
    );
    const updated_seq = number;
    const numbered = {
      ...message,
      updated_seq,
      reactions: reactionsBefore(message.reactions, later),
    };
    switch (kind) {
      case "answer_ended":
        return numberedFrame(lastStreamFrame({ message: numbered, usage }), () =>
          mergedMessage(message),
        );
      case "message_updated": {
        // The last frame of the answer, and maybe its text, follow: it must not look as if it had ended.
        const isRunning = number < (ends.get(message.id) ?? 0);
        return numberedFrame(
          updatedFrame(isRunning ? { ...numbered, status: "streaming" } : numbered),
        );
      }
      case "sent": {
        const isAnswer = message.answer_to !== null;
        return numberedFrame(
          isAnswer ? firstStreamFrame(message) : messageFrame({ ...numbered, reactions: [] }),
        );
      }
    }
  });
}
