// A replay that is large by what people have reacted with, and not by its texts.
import { expect, test } from "bun:test";
import { joinedChat } from "../../src/log/join-reads.ts";
import { useWorld } from "../world/world.ts";

const world = useWorld();

test("messages whose reactions are more than a replay holds are not written, and the client loads the history", async () => {
  const ann = await world.person("ann");
  const chat = await ann.chat();
  const ids = Array.from({ length: 100 }, (_, n) => 1_000_000_000 + n);
  const reactions = Array.from({ length: 20 }, (_, n) => ({
    emoji: String.fromCodePoint(0x1f600 + n),
    count: 100,
    user_ids: ids,
  }));
  const message = await ann.say(chat.id, "much liked");
  await world.sql`update messages set reactions = ${world.sql.json(reactions)} where id = ${message.id}`;
  await world.sql`
    insert into messages (chat_id, user_id, content, seq, updated_seq, ordinal, reactions)
    select chat_id, user_id, content, seq + n, seq + n, ordinal + n, reactions
    from messages, generate_series(1, 99) n where id = ${message.id}
  `;
  await world.sql`update chats set last_seq = last_seq + 99, message_count = message_count + 99 where id = ${chat.id}`;
  const anns = await ann.socket();
  const joined = await anns.ask({ type: "join", chat_id: chat.id, after_seq: 0 });
  expect(joined).toMatchObject({ recovered: false, last_seq: 100 });
  expect(anns.ofType("message")).toEqual([]);
  const plan = await world.sql`
    explain (analyze, costs off, timing off)
    select chat.* from (values (${ann.id}::bigint, ${chat.id}::bigint, 0::bigint, null::bigint)) i (user_id, chat_id, after_seq, known_seq)
    cross join lateral (${joinedChat(world.sql)}) chat
  `;
  const lines = plan.map((row) => String(row["QUERY PLAN"]));
  expect(lines.some((line) => line.includes("Result (never executed)"))).toBe(true);
});
