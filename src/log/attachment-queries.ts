// The files of messages. What the wire shows of them is a part of the message's row; the rows of attachments serve them.
import type { Fragment, Sql } from "../database/connect.ts";

const path = "'/api/chats/' || a.chat_id || '/attachments/' || a.id";

/**
 * The members of an Attachment in the order of the wire, as JSON, from `attachments a join stored_files f on f.id = a.file_id`. Members
 * that a kind does not have are left out.
 */
export const attachmentJson = `json_strip_nulls(json_build_object(
  'id', a.id,
  'name', a.name,
  'media_type', f.media_type,
  'kind', a.kind,
  'size', f.size,
  'sha256', encode(f.sha256, 'hex'),
  'url', ${path},
  'width', f.width,
  'height', f.height,
  'thumbnails', (
    select json_agg(json_build_object(
      'width', t.item -> 'width', 'height', t.item -> 'height',
      'url', ${path} || '/thumbnails/' || (t.item ->> 'size')
    ) order by t.place)
    from json_array_elements(f.thumbnails) with ordinality as t (item, place)
  ),
  'blur', f.blur,
  'duration_ms', f.duration_ms,
  'waveform', f.waveform,
  'transcript', a.transcript,
  'at', a.text_at,
  'status', 'ready'
))`;

/** The files that new messages take. */
export interface TakenFiles {
  /** The place of the message among those of the statement, from 1 on. */
  n: number;
  attachmentId: number;
}

/**
 * Common table expressions of the files that new messages take: `taken` has them, and `without_files` the messages that
 * may not have all of theirs. A file is taken once, by the person who has uploaded it, and in its chat. The rows are locked, so that two
 * statements never take the same one.
 * @param taken at least one, in order
 */
export const filesOfMessages = (sql: Sql, taken: readonly TakenFiles[]): Fragment => sql`
  wanted as materialized (
    select n, attachment_id, row_number() over (partition by n order by position)::int as place
    from unnest(
      ${taken.map(({ n }) => n)}::bigint[],
      ${taken.map(({ attachmentId }) => attachmentId)}::bigint[]
    ) with ordinality as t (n, attachment_id, position)
  ),
  -- The count makes the statement lock the chats before the files.
  free as materialized (
    select a.id, a.chat_id, a.user_id, a.file_id
    from attachments a
    where a.id in (select attachment_id from wanted) and a.message_id is null and (select count(*) from member) > 0
    order by a.id
    for no key update of a
  ),
  taken as materialized (
    select n, place, id, shown
    from (
      select w.n, w.place, a.id, ${sql.unsafe(attachmentJson)} as shown,
        row_number() over (partition by a.id order by w.n, w.place) as rank
      from wanted w
      join member m on m.n = w.n
      join free on free.id = w.attachment_id and free.chat_id = m.chat_id and free.user_id = m.user_id
      join attachments a on a.id = free.id
      join stored_files f on f.id = a.file_id
    ) ranked
    where rank = 1
  ),
  without_files as materialized (
    select w.n from wanted w left join taken on taken.n = w.n and taken.place = w.place
    group by w.n having count(*) <> count(taken.id)
  ),
`;

/** Reads the files that messages show, and notes the message in the rows of its files. */
export const filesShown = (sql: Sql): Fragment => sql`
  files as materialized (
    select n, json_agg(shown order by place) as shown from taken group by n
  ),
  sent_files as (
    update attachments a set message_id = q.id, place = taken.place
    from taken
    join numbered q on q.n = taken.n and not q.is_answer
    where a.id = taken.id
  ),
`;
