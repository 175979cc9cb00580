// The files of messages as a prompt needs them.
import { z } from "zod";
import { many, type Sql } from "../../database/connect.ts";

export const PromptFile = z.object({
  /** The id of the attachment. */
  id: z.int(),
  name: z.string(),
  media_type: z.string(),
  size: z.int(),
  width: z.int().nullable(),
  height: z.int().nullable(),
  /** Pages of a PDF, seconds of audio and video; null where they are not known. */
  units: z.int().nullable(),
  /** Whether a still picture of an image exists. */
  has_preview: z.boolean(),
  /** The transcript of a voice message, once there is one. */
  transcript: z.string().nullish(),
});
export type PromptFile = z.infer<typeof PromptFile>;

const fileObject = `json_build_object(
  'id', a.id, 'name', a.name, 'media_type', f.media_type, 'size', f.size, 'width', f.width, 'height', f.height,
  'units', coalesce(f.units, ceil(f.duration_ms / 1000.0)::int), 'has_preview', json_array_length(f.thumbnails) > 0, 'transcript', a.transcript
)`;

/**
 * The files of the message `m` as a list in JSON, in order; null if it has none. Only what a message of the chat has taken is
 * found: that everybody in the room can read.
 */
export const filesOfMessage = (sql: Sql) => sql`
  case when m.attachments::text <> '[]' then (
    select json_agg(${sql.unsafe(fileObject)} order by a.place)
    from attachments a
    join stored_files f on f.id = a.file_id
    where a.chat_id = m.chat_id and a.message_id = m.id
  ) end
`;

/**
 * Finds the files of a question, which need not be stored yet, in the order of their ids in the list.
 * @param userId who asks; files that are not sent yet are found by their uploader only
 */
export async function findFilesOfQuestion(
  sql: Sql,
  { chatId, userId, ids }: { chatId: number; userId: number | null; ids: readonly number[] },
): Promise<PromptFile[]> {
  if (ids.length === 0) return [];
  return many(
    await sql`
      select a.id, a.name, f.media_type, f.size, f.width, f.height,
        coalesce(f.units, ceil(f.duration_ms / 1000.0)::int) as units,
        json_array_length(f.thumbnails) > 0 as has_preview, a.transcript
      from unnest(${[...ids]}::bigint[]) with ordinality as wanted (id, place)
      join attachments a on a.id = wanted.id and a.chat_id = ${chatId}
      join stored_files f on f.id = a.file_id
      where a.message_id is not null or a.user_id = ${userId}
      order by wanted.place
    `,
    PromptFile,
  );
}
