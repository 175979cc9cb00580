// The read positions of a chat's participants, as a part of statements that read the chat for one of them.
import type { Sql } from "../database/connect.ts";
import { wireTime } from "../database/wire-json.ts";
import { liveReadsMembersMax } from "../wire/receipts.ts";

/** A Read as JSON, from a row of chat_participants. */
const readJson = (sql: Sql, row: "me" | "p") =>
  sql.unsafe(`
    json_build_object(
      'user_id', ${row}.user_id,
      'last_read_seq', ${row}.last_read_seq,
      'joined_seq', ${row}.joined_seq,
      'read_at', ${wireTime(`${row}.last_read_at`)}
    )
  `);

/**
 * The Reads that a participant is shown, from `chats c` and their own `chat_participants me`: their own position first, then
 * those of the others who may be seen and have read something. In a chat with more than `liveReadsMembersMax` participants
 * no row of the others is read.
 */
export const readsColumn = (sql: Sql) => sql`
  (
    select json_agg(shown.read)
    from (
      select ${readJson(sql, "me")} as read
      union all
      (
        select ${readJson(sql, "p")}
        from chat_participants p
        join users u on u.id = p.user_id
        where c.participant_count <= ${liveReadsMembersMax}
          and (select read_receipts from users where id = me.user_id)
          and p.chat_id = c.id
          and p.user_id <> me.user_id
          and p.last_read_seq > p.joined_seq
          and u.read_receipts
        order by p.id
      )
    ) shown
  )
`;
