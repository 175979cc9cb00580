// The reading of a chat for a join: how far its log reaches, and the messages that the client has missed, as the frames that
// are sent. PostgreSQL writes these frames: reading the rows, checking them and writing them again would cost the server more
// than all else of a join. A test compares them with the frames of live messages.
import { z } from "zod";
import type { Sql } from "../database/connect.ts";
import { replayBytesMax, replayMax } from "../wire/frames.ts";
import { messageFrameText } from "../wire/message-frames.ts";
import { Read } from "../wire/receipts.ts";
import { storedColumns, wireMembers } from "./messages.ts";
import { readsColumn } from "./read-positions.ts";

export interface JoinRead {
  userId: number;
  chatId: number;
  /** The number up to which the client has the log; undefined for no replay. */
  afterSeq: number | undefined;
}

export interface JoinedChat {
  /** The chat's newest number at the time of reading. */
  lastSeq: number;
  /** The number of the newest change of the chat itself or of its participants. */
  updatedSeq: number;
  memberCount: number;
  reads: Read[];
  /** See `superseded` of the frame `joined`; undefined without a replay. */
  superseded: number | undefined;
  /** The missed messages as `message` frames, in the order of `updated_seq`; undefined if they are too many or too large. */
  frames: string[] | undefined;
}

/**
 * The row of a {@link JoinedChat}, for a statement that has rows `i` with a user_id, a chat_id and an after_seq; no row for a
 * chat that the person is not in. No frames are written of messages that are more than `replayMax` or `replayBytesMax`.
 */
export function joinedChat(sql: Sql) {
  // A message with 20 emoji of 100 people each is about 20 kB of JSON: what is too large is not written at all.
  // New and changed messages have an index each. The second branch is nearly always empty.
  return sql`
    select c.last_seq, c.updated_seq, c.participant_count as member_count, ${readsColumn(sql)} as reads,
      missed.count as missed_count,
      c.last_seq - i.after_seq - missed.numbers - (c.updated_seq > i.after_seq)::int as superseded,
      case when missed.bytes <= ${replayBytesMax} then missed.messages end as messages
    from chat_participants me
    join chats c on c.id = me.chat_id
    cross join lateral (
      select count(*), count(*) filter (where seq > i.after_seq) + count(*) filter (where updated_seq <> seq) as numbers,
        sum(octet_length(json)) as bytes, string_agg(json, e'\n' order by updated_seq) as messages
      from (
        select m.seq, m.updated_seq,
          case when m.count <= ${replayMax} and m.bytes <= ${replayBytesMax} then (
            select row_to_json(wire)::text from (select ${sql.unsafe(wireMembers)}) wire
          ) end as json
        from (
          select ${storedColumns(sql)}, count(*) over () as count, sum(
            octet_length(content) + octet_length(reactions::text) + octet_length(attachments::text) + 8 * cardinality(mentions)
          ) over () as bytes
          from ((
            select ${storedColumns(sql)}
            from messages
            where chat_id = c.id and seq > i.after_seq
            order by seq
            limit ${replayMax + 1}
          )
          union all
          (
            select ${storedColumns(sql)}
            from messages
            where chat_id = c.id and updated_seq > i.after_seq and updated_seq <> seq and seq <= i.after_seq
            order by updated_seq
            limit ${replayMax + 1}
          )) found
        ) m
        left join users u on u.id = m.user_id
        -- Without this, the planner merges the two selects, and each message is written twice: to be counted, and to be sent.
        offset 0
      ) written
    ) missed
    where me.chat_id = i.chat_id and me.user_id = i.user_id
  `;
}

export const JoinedChatRow = z.object({
  last_seq: z.int(),
  updated_seq: z.int(),
  member_count: z.int(),
  reads: z.array(Read),
  missed_count: z.int(),
  superseded: z.int().nullable(),
  /** One message in JSON a line. */
  messages: z.string().nullable(),
});

export function joinedChatOf(row: z.infer<typeof JoinedChatRow>): JoinedChat {
  return {
    lastSeq: row.last_seq,
    updatedSeq: row.updated_seq,
    memberCount: row.member_count,
    reads: row.reads,
    superseded: row.superseded ?? undefined,
    // A text in JSON has no line break.
    frames: row.missed_count === 0 ? [] : row.messages?.split("\n").map(messageFrameText),
  };
}
