// No table has a word of a deleted message: all of them are searched, whatever they are.
import { expect, test } from "bun:test";
import { insertSummary } from "../../src/answers/prompt/summary-queries.ts";
import { answer, finish, say } from "../world/gemini/script.ts";
import { useWorld } from "../world/world.ts";
import { answerEnds, room } from "../answers/room.ts";

const world = useWorld();

/** The tables with a row that has a word in it, whatever its case. */
async function tablesWith(word: string): Promise<string[]> {
  const tables = await world.sql<{ name: string }[]>`
    select quote_ident(table_schema) || '.' || quote_ident(table_name) as name
    from information_schema.tables
    where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')
    order by 1
  `;
  expect(tables.length).toBeGreaterThan(10);
  const found: string[] = [];
  for (const { name } of tables) {
    const rows = await world.sql`
      select from ${world.sql.unsafe(name)} t where t::text ilike ${`%${word}%`} limit 1
    `;
    if (rows.length > 0) found.push(name);
  }
  return found;
}

test("the texts of a deleted message are in no table: neither the last one nor those before, nor a summary of them", async () => {
  const { chat, anna, ben, annas } = await room(world);
  const message = await ben.say(chat.id, "first quokka", "once");
  const path = `/api/chats/${chat.id}/messages/${message.id}`;
  await ben.api("PATCH", path, { content: "second quokka" });
  await ben.api("PATCH", path, { content: "third quokka" });
  world.gemini.respondWith(answer(say("No answer with the word."), finish()));
  await anna.say(chat.id, "/bot well?");
  const { messageId } = await answerEnds(annas);
  await world.sql`
    insert into chat_summaries (chat_id, up_to_seq, content) values (${chat.id}, 3, 'Ben likes a quokka.')
  `;
  await world.index();
  const before = [
    "public.chat_summaries",
    "public.message_versions",
    "public.messages",
    "public.search_entries",
  ];
  expect(await tablesWith("quokka")).toEqual(before);

  expect((await anna.api("DELETE", path)).status).toBe(200);
  await ben.say(chat.id, "a retry of quokka", "once");
  expect(await tablesWith("quokka")).toEqual([]);
  const context = await anna.api("GET", `/api/chats/${chat.id}/messages/${messageId}/context`);
  expect(context.body).toMatchObject({ changed: true });
  expect(context.body.messages).toContainEqual({ id: message.id, updated_seq: 3, changed: true });
});

test("neither the text of a deleted answer, nor its sources, nor the reason of its end are in any table", async () => {
  const { chat, ben, bens } = await room(world);
  world.gemini.respondWith(answer(say("The wombat answers."), finish()));
  await ben.say(chat.id, "/bot well?");
  const { messageId } = await answerEnds(bens);
  await world.sql`
    update messages
    set error = 'A wombat broke it.', sources = '[{"title": "Wombat", "url": "https://wombat.example"}]'
    where id = ${messageId}
  `;
  await world.index();
  expect(await tablesWith("wombat")).toEqual(["public.messages", "public.search_entries"]);
  const path = `/api/chats/${chat.id}/messages/${messageId}`;
  expect((await ben.api("DELETE", path)).body).toMatchObject({ error: null, sources: null });
  expect(await tablesWith("wombat")).toEqual([]);
});

test("a summary that was made while a message was deleted is not stored", async () => {
  const { chat, ben } = await room(world);
  const message = await ben.say(chat.id, "numbat");
  const [before] = await world.sql`select revision from chats where id = ${chat.id}`;
  const summary = { upToSeq: 1, content: "Ben has a numbat.", revision: Number(before?.revision) };
  await ben.api("DELETE", `/api/chats/${chat.id}/messages/${message.id}`);
  expect(await insertSummary(world.sql, chat.id, summary)).toBe(false);
  expect(await tablesWith("numbat")).toEqual([]);
});
