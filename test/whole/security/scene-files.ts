// Files of a scene: one that was sent, one that was not, and two uploads in parts of the author.
import type { Person, World } from "../../world/world.ts";

export interface SceneFiles {
  sentId: number;
  unsentId: number;
  /** An upload of one byte that was not received yet, and one whose byte was. */
  uploadId: string;
  receivedUploadId: string;
}

/** Makes them in the database and the store, which takes a fraction of what their requests take. */
export async function addFiles(
  world: World,
  chatId: number,
  author: Person,
  messageId: number,
): Promise<SceneFiles> {
  const [key, uploadId, receivedUploadId] = [
    crypto.randomUUID(),
    crypto.randomUUID(),
    crypto.randomUUID(),
  ];
  async function* byte() {
    yield new Uint8Array([65]);
  }
  await world.ctx.files.write(key, byte());
  const thumbnails = JSON.stringify([{ size: 256, width: 1, height: 1, key, length: 1 }]);
  const [row] = await world.sql`
    with file as (
      insert into stored_files (chat_id, uploaded_sha256, key, sha256, size, media_type, kind, thumbnails)
      values (${chatId}, '\\x00', ${key}, '\\x00', 1, 'image/png', 'image', ${thumbnails}::text::json)
      returning id
    ),
    sent as (
      insert into attachments (chat_id, user_id, file_id, name, kind, message_id, place)
      select ${chatId}, ${author.id}, id, 'sent.png', 'image', ${messageId}::bigint, 1 from file returning id
    ),
    unsent as (
      insert into attachments (chat_id, user_id, file_id, name, kind)
      select ${chatId}, ${author.id}, id, 'unsent.png', 'image' from file returning id
    ),
    begun as (
      insert into uploads (id, chat_id, user_id, name, size, received, expires_at)
      select id, ${chatId}, ${author.id}, 'a.txt', 1, received, now() + interval '1 hour'
      from (values (${uploadId}::uuid, 0), (${receivedUploadId}::uuid, 1)) u (id, received)
    ),
    part as (
      insert into upload_parts (upload_id, start, key) values (${receivedUploadId}, 0, ${key})
    )
    select sent.id as sent, unsent.id as unsent from sent, unsent
  `;
  return { sentId: row?.sent, unsentId: row?.unsent, uploadId, receivedUploadId };
}
