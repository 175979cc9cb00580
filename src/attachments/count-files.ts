import { z } from "zod";
import { one, type Sql } from "../database/connect.ts";

/**
 * Counts the files that rows of the database name: those of messages and of answers, sent or not, with their thumbnails, the pictures of
 * people and chats, and parts of uploads.
 */
export async function countFiles(sql: Sql): Promise<number> {
  const { count } = one(
    await sql`
      select (
        (select count(*) + coalesce(sum(json_array_length(thumbnails)), 0) from stored_files)
        + (select 2 * count(avatar_id) from users)
        + (select 2 * count(picture_id) from chats)
        + (select count(*) from upload_parts)
      )::int as count
    `,
    z.object({ count: z.int() }),
  );
  return count;
}
