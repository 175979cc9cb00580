// Files in the faults: people upload some and send them in messages, and in the end each is there, and none is left over.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { many, type Sql } from "../../../src/database/connect.ts";
import type { Report, Send, StoredChat } from "./history.ts";
import type { Person } from "./people.ts";
import type { Random } from "./random.ts";

const sizes = [10, 5_000, 400_000];
const Uploaded = z.object({ id: z.int() });

/** Uploads a file until it is certain that it is stored. @returns its id; undefined where the person is not in the chat */
export async function uploadSome(
  person: Person,
  chatId: number,
  clientId: string,
  random: Random,
): Promise<number | undefined> {
  const path = `/api/chats/${chatId}/attachments?name=file.txt&client_id=${clientId}`;
  const content = `${clientId} `.padEnd(random.pick(sizes), "x");
  const reply = await person.certainly("POST", path, content);
  return reply?.status === 200 ? Uploaded.parse(reply.body).id : undefined;
}

/**
 * Checks that messages have the files that they were sent with, that each can be downloaded as it was uploaded, and that no file is in the
 * store that nothing names.
 * @param reader somebody who is in all chats
 */
export async function checkFiles(
  { sql, reader, folder }: { sql: Sql; reader: Pick<Person, "download">; folder: string },
  { chats, sends }: { chats: StoredChat[]; sends: Send[] },
  report: Report,
): Promise<void> {
  const sent = new Map(
    sends.map((send) => [`${send.chatId} ${send.userId} ${send.clientId}`, send]),
  );
  for (const { id: chatId, messages } of chats) {
    for (const message of messages.filter(({ deleted_at }) => deleted_at === null)) {
      const send = sent.get(`${chatId} ${message.user_id} ${message.client_id}`);
      const ids = message.attachments.map(({ id }) => id);
      if (send && ids.join() !== send.attachmentIds.join()) {
        report("other files", `message ${message.id} has ${ids.join()}`);
      }
      for (const { url, sha256, size } of message.attachments) {
        const bytes = await reader.download(url);
        const found = bytes && new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
        if (found !== sha256) report("file lost", `${url} of ${size} bytes: ${bytes?.length}`);
      }
    }
  }
  const onDisk = keysIn(folder);
  const named = new Set(await readKeys(sql));
  // One that was removed meanwhile had its name until then.
  const leftOver = onDisk.filter(({ key, path }) => !named.has(key) && existsSync(path));
  for (const { key } of leftOver) report("file left over", key);
}

function keysIn(folder: string): { key: string; path: string }[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => ({ key: path.split("/")[2] ?? "", path: join(folder, path) }))
    .filter(({ key }) => key !== "" && !key.startsWith("check-"));
}

async function readKeys(sql: Sql): Promise<string[]> {
  const rows = many(
    await sql`
      select key from stored_files
      union all select item ->> 'key' from stored_files, json_array_elements(thumbnails) item
      union all select key from upload_parts
      union all select avatar_id || size from users, (values ('-64'), ('-256')) s (size) where avatar_id is not null
      union all select picture_id || size from chats, (values ('-64'), ('-256')) s (size) where picture_id is not null
      union all select key from file_removals
    `,
    z.object({ key: z.string() }),
  );
  return rows.map(({ key }) => key);
}
