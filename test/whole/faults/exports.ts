// A person who exports a chat, and all that is stored about them, again and again while faults strike.
import type { Sql } from "../../../src/database/connect.ts";
import { Chat } from "../../../src/wire/chats.ts";
import { faultsOfExport, isWhole } from "./check-exports.ts";
import type { Figures } from "./figures.ts";
import { exportKinds, type ExportKind, type ExportRecord } from "./history.ts";
import { registerPerson, type Person } from "./people.ts";
import type { Random } from "./random.ts";

/** Enough for an export of several pages, so that a fault can be between them. */
const messageCount = 2_000;
const triesMax = 5;
const retryMs = 200;

export interface Archive {
  reader: Person;
  chatId: number;
  contents: string[];
}

/** Makes the person and the chat, before any fault strikes. */
export async function prepareArchive(sql: Sql, url: string, name: string): Promise<Archive> {
  const reader = await registerPerson(url, name);
  const reply = await reader.certainly("POST", "/api/chats", { name: "archive", is_group: true });
  const { id: chatId } = Chat.parse(reply?.body);
  const contents = Array.from({ length: messageCount }, (_, n) => `text ${n + 1} 🙂 ${name}`);
  await sql`
    with moved as (
      update chats set last_seq = ${messageCount}::int, message_count = ${messageCount}::int where id = ${chatId}
      returning id
    )
    insert into messages (chat_id, user_id, content, seq, updated_seq, ordinal)
    select id, ${reader.id}, content, n, n, n
    from moved, unnest(${contents}::text[]) with ordinality as t (content, n)
  `;
  return { reader, chatId, contents };
}

/** @returns `refusal`, the status of another answer; undefined when none came */
async function exportOnce(
  { reader, chatId }: Archive,
  kind: ExportKind,
): Promise<ExportRecord | { refusal: number | undefined }> {
  const path =
    kind === "account" ? "/api/auth/me/export" : `/api/chats/${chatId}/export?format=${kind}`;
  const { status, text, isBroken } = await reader.save(path);
  return status === 200 ? { kind, text, isBroken } : { refusal: status };
}

interface ExportParts {
  archive: Archive;
  /** Exports that are not what they should be are added. */
  records: ExportRecord[];
  figures: Figures;
  onIncident: (words: string) => void;
}

/** Exports once, and notes what came of it. */
export async function exportSomething(
  { archive, records, figures, onIncident }: ExportParts,
  random: Random,
): Promise<void> {
  const record = await exportOnce(archive, random.pick(exportKinds));
  if ("refusal" in record) {
    const { refusal } = record;
    // 429: the server has not noticed yet that an earlier client is gone.
    if (refusal !== undefined && refusal < 500 && refusal !== 429) {
      onIncident(`an export was answered with ${refusal}`);
    }
    return;
  }
  if (isWhole(record, archive.contents.length)) figures.exports += 1;
  else figures.cutExports += 1;
  if (faultsOfExport(record, archive.contents).length > 0) records.push(record);
}

/** One export of each kind when nothing is wrong any more. */
export async function exportAll(archive: Archive): Promise<ExportRecord[]> {
  const records: ExportRecord[] = [];
  for (const kind of exportKinds) {
    for (let tries = 1; tries <= triesMax; tries += 1) {
      const record = await exportOnce(archive, kind);
      if (!("refusal" in record) && !record.isBroken) {
        records.push(record);
        break;
      }
      await Bun.sleep(retryMs);
    }
  }
  return records;
}
