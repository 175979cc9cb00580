import { expect, test } from "bun:test";
import { download, uploaded } from "../../attachments/files.ts";
import { useWorld } from "../../world/world.ts";
import { checkFiles } from "./files.ts";
import type { Send } from "./history.ts";
import { readStored } from "./stored.ts";

const world = useWorld();

test("the checker of files sees other files, lost ones and those that are left over", async () => {
  const ann = await world.person("ann");
  const { id: chatId } = await ann.chat();
  const file = await uploaded(world, ann, chatId, "a file");
  const sent = { content: "look", client_id: "one", attachment_ids: [file.id] };
  await ann.api("POST", `/api/chats/${chatId}/messages`, sent);
  const reader = {
    async download(path: string) {
      const { status, bytes } = await download(world, ann, path);
      return status === 200 ? bytes : undefined;
    },
  };
  const send: Send = {
    ...{ chatId, userId: ann.id, clientId: "one", content: "look", attachmentIds: [file.id] },
    ...{ asksBot: false, acks: [], refusals: [], maybeStored: true },
  };
  const folder = world.config.files.folder;
  const rulesOf = async (sends: Send[]) => {
    const rules: string[] = [];
    const chats = await readStored(world.sql, [chatId]);
    const parts = { sql: world.sql, reader, folder };
    await checkFiles(parts, { chats, sends }, (rule) => void rules.push(rule));
    return rules;
  };
  expect(await rulesOf([send])).toEqual([]);
  expect(await rulesOf([{ ...send, attachmentIds: [] }])).toEqual(["other files"]);
  async function* byte() {
    yield new Uint8Array([1]);
  }
  await world.ctx.files.write(crypto.randomUUID(), byte());
  expect(await rulesOf([send])).toEqual(["file left over"]);
  const [row] = await world.sql`select key from stored_files where chat_id = ${chatId}`;
  await world.ctx.files.remove(String(row?.key));
  expect(await rulesOf([send])).toEqual(["file lost", "file left over"]);
});
