// Files in the faults: people upload some and send them in messages, and in the end each is there, and none is left over.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { many, type Sql } from "../../../src/database/connect.ts";
import { makePng } from "../../attachments/made-files.ts";
import { makeWav } from "../../attachments/made-recordings.ts";
import type { Report, Send, StoredChat } from "./history.ts";
import type { Person } from "./people.ts";
import type { Random } from "./random.ts";

const sizes = [10, 5_000, 400_000];
/** A part of a file that is uploaded in parts. */
const partBytes = 100_000;
const triesMax = 200;
const Uploaded = z.object({ id: z.int() });
const Begun = z.object({ upload_id: z.string(), offset: z.int() });

/** Uploads a file until it is certain that it is stored. @returns its id; undefined where the person is not in the chat */
export async function uploadSome(
  person: Person,
  chatId: number,
  clientId: string,
  random: Random,
): Promise<number | undefined> {
  const path = `/api/chats/${chatId}/attachments`;
  const kind = random.pick(["text", "photo", "voice", "parts"]);
  const content = bytesOf(kind, clientId, random);
  if (kind === "parts") return await uploadInParts(person, path, clientId, content);
  const query = `?name=file&client_id=${clientId}${kind === "voice" ? "&kind=voice" : ""}`;
  const reply = await person.certainly("POST", path + query, content);
  return reply?.status === 200 ? Uploaded.parse(reply.body).id : undefined;
}

/** Bytes that no other file has. */
function bytesOf(kind: string, clientId: string, random: Random): Uint8Array<ArrayBuffer> {
  const shade = random.int(0, 1_000_000);
  if (kind === "photo") {
    const pixels = (x: number, y: number): [number, number, number] => [
      shade % 256,
      (x + shade) % 256,
      y % 256,
    ];
    return new Uint8Array(makePng(random.int(40, 400), 300, { pixels }));
  }
  if (kind === "voice") {
    return makeWav({ seconds: 1, sound: (second) => Math.sin(second * (300 + shade / 1_000)) });
  }
  return new Uint8Array(Buffer.from(`${clientId} `.padEnd(random.pick(sizes), "x")));
}

/** Uploads a part of a file, and cancels the upload: nothing of it may be left over. */
async function cancelUpload(person: Person, path: string, bytes: Uint8Array): Promise<void> {
  const begun = await person.certainly("POST", `${path}/uploads`, { name: "no", size: 1_000_000 });
  if (begun?.status !== 200) return;
  const own = `${path}/uploads/${Begun.parse(begun.body).upload_id}`;
  await person.certainly("PUT", `${own}?offset=0`, bytes.slice(0, partBytes));
  await person.certainly("DELETE", own);
}

/** After each part that was lost, the server says how far it is. */
async function uploadInParts(
  person: Person,
  path: string,
  clientId: string,
  bytes: Uint8Array,
): Promise<number | undefined> {
  await cancelUpload(person, path, bytes);
  const input = { name: "file", size: bytes.length, client_id: clientId };
  const begun = await person.certainly("POST", `${path}/uploads`, input);
  if (begun?.status !== 200) return undefined;
  let state = Begun.parse(begun.body);
  const own = `${path}/uploads/${state.upload_id}`;
  for (let tries = 0; state.offset < bytes.length && tries < triesMax; tries += 1) {
    const part = bytes.slice(state.offset, state.offset + partBytes);
    await person.certainly("PUT", `${own}?offset=${state.offset}`, part);
    const found = await person.certainly("GET", own);
    // Somebody who was removed from the chat has no uploads there.
    if (found?.status !== 200) return undefined;
    state = Begun.parse(found.body);
  }
  const reply = await person.certainly("POST", `${own}/complete`);
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
