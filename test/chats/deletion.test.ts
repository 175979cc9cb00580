// A deleted chat is gone for everybody at once, however much it holds; its rows follow in pages.
import { beforeAll, expect } from "bun:test";
import { purgeDeletedChat } from "../../src/chats/purge-queries.ts";
import { purgeDeletedChats } from "../../src/chats/purge.ts";
import { answerAndHang, say } from "../world/gemini/script.ts";
import { expectProblem } from "../http/refusals.ts";
import { startWorld, useWorld, type Person } from "../world/world.ts";
import { longTest, test } from "../world/long.ts";

// The tests purge by themselves, and nobody searches.
const world = useWorld({ durations: { purgeMs: 3_600_000, indexMs: 3_600_000 } });
let ann: Person;
let ben: Person;
beforeAll(async () => {
  [ann, ben] = await Promise.all([world.person("ann"), world.person("ben")]);
});

/** Adds messages, with a reaction to each, and changes to a chat, past the server. */
async function fill(chatId: number, count: number): Promise<void> {
  await world.sql`
    with moved as (
      update chats set last_seq = last_seq + ${2 * count}, message_count = message_count + ${count}
      where id = ${chatId}
      returning last_seq - ${2 * count} as seq, message_count - ${count} as ordinal
    ),
    sent as (
      insert into messages (chat_id, user_id, content, seq, updated_seq, ordinal)
      select ${chatId}, ${ann.id}, 'secret ' || n, seq + n, seq + n, ordinal + n
      from moved, generate_series(1, ${count}) n
      returning id
    ),
    reacted as (
      insert into message_reactions (chat_id, message_id, emoji, user_id)
      select ${chatId}, id, '👍', ${ann.id} from sent
    )
    insert into chat_changes (chat_id, seq, kind)
    select ${chatId}, seq + ${count} + n, 'chat_updated' from moved, generate_series(1, ${count}) n
  `;
}

async function rowsOf(chatId: number): Promise<number> {
  const [row] = await world.sql`
    select (select count(*) from messages where chat_id = ${chatId})
      + (select count(*) from chat_changes where chat_id = ${chatId})
      + (select count(*) from message_reactions where chat_id = ${chatId})
      + (select count(*) from chat_participants where chat_id = ${chatId})
      + (select count(*) from chat_summaries where chat_id = ${chatId})
      + (select count(*) from deleted_chats where chat_id = ${chatId})
      + (select count(*) from chats where id = ${chatId}) as rows
  `;
  return Number(row?.rows);
}

test("deleting a chat deletes none of its messages in the request, and hides all of them", async () => {
  const chat = await ann.chat({ with: [ben] });
  const path = `/api/chats/${chat.id}`;
  await fill(chat.id, 2_000);
  const socket = await ben.socket();
  await socket.ask({ type: "join", chat_id: chat.id });
  const before = await rowsOf(chat.id);
  expect((await ann.api("DELETE", path)).status).toBe(200);
  expect(await socket.next("chat_deleted")).toMatchObject({ chat_id: chat.id });
  // The chat, two people less, and one row that notes it for the purge.
  expect(await rowsOf(chat.id)).toBe(before - 2);

  for (const person of [ann, ben]) {
    for (const rest of ["", "/messages", "/participants"]) {
      expectProblem(await person.api("GET", path + rest), 404, "not_found");
    }
    const sent = await person.api("POST", `${path}/messages`, { content: "late" });
    expectProblem(sent, 404, "not_found");
    expectProblem(await person.api("DELETE", path), 404, "not_found");
    const { body } = await person.api("GET", "/api/chats");
    expect(JSON.stringify(body)).not.toContain("secret");
  }
  expect(await socket.ask({ type: "join", chat_id: chat.id })).toMatchObject({ code: "not_found" });
  expect(await socket.ask({ type: "message", chat_id: chat.id, content: "x" })).toMatchObject({
    code: "not_found",
  });

  while ((await rowsOf(chat.id)) > 0) await purgeDeletedChats(world.ctx);
  expect(await rowsOf(chat.id)).toBe(0);
});

test("a purge goes on after a part of it was done, and leaves other chats alone", async () => {
  const [gone, kept] = [await ann.chat({ with: [ben] }), await ann.chat({ with: [ben] })];
  await fill(gone.id, 1_000);
  await fill(kept.id, 100);
  const keptRows = await rowsOf(kept.id);
  await ann.api("DELETE", `/api/chats/${gone.id}`);
  const before = await rowsOf(gone.id);
  expect(await purgeDeletedChat(world.sql, 300)).toMatchObject({ chat_id: gone.id });
  // As many changes and reactions each.
  expect(await rowsOf(gone.id)).toBe(before - 600);
  await world.restart();
  await purgeDeletedChats(world.ctx);
  expect(await rowsOf(gone.id)).toBe(0);
  expect(await rowsOf(kept.id)).toBe(keptRows);
  expect(await purgeDeletedChat(world.sql, 300)).toBeUndefined();
});

test("two purges at once take different chats, and other chats' messages pass meanwhile", async () => {
  const chats = [await ann.chat(), await ann.chat(), await ann.chat()] as const;
  for (const { id } of chats) await fill(id, 500);
  const [first, second, third] = chats;
  for (const { id } of [first, second]) await ann.api("DELETE", `/api/chats/${id}`);
  const purges = Promise.all([purgeDeletedChats(world.ctx), purgeDeletedChats(world.ctx)]);
  const sends = await Promise.all(
    Array.from({ length: 20 }, (_, n) => ann.say(third.id, `message ${n}`)),
  );
  await purges;
  // One of them may have ended while the other was at the last chat.
  await purgeDeletedChats(world.ctx);
  expect(sends).toHaveLength(20);
  for (const { id } of [first, second]) expect(await rowsOf(id)).toBe(0);
  expect(await rowsOf(third.id)).toBe(1 + 1 + 1_500 + 20);
});

longTest(
  "an answer in a chat that another server has deleted ends and is settled, though nobody has joined",
  async () => {
    const { id } = await ann.chat();
    world.gemini.respondWith(answerAndHang(say("piece ")));
    await ann.say(id, "/bot talk");
    const runs = () => world.sql`select id from answer_runs where chat_id = ${id}`;
    expect(await runs()).toHaveLength(1);
    await world.sql`delete from chats where id = ${id}`;
    while ((await runs()).length > 0);
    const [budget] = await world.sql`
    select running, reserved_tokens::int from budgets where kind = 'user' and id = ${ann.id}
  `;
    expect(budget).toEqual({ running: 0, reserved_tokens: 0 });
  },
);

test("a server purges by itself", async () => {
  const other = await startWorld({ durations: { purgeMs: 10 } });
  try {
    const person = await other.person();
    const { id } = await person.chat();
    await person.say(id, "secret");
    await person.api("DELETE", `/api/chats/${id}`);
    for (;;) {
      const rows = await other.sql`
        select chat_id from messages where chat_id = ${id} union all select chat_id from deleted_chats
      `;
      if (rows.length === 0) break;
    }
  } finally {
    await other.stop();
  }
});
