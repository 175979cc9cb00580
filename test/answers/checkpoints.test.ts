import { expect, setDefaultTimeout } from "bun:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Realtime } from "../../src/realtime/ports.ts";
import { answerAndHang, say, until } from "../world/gemini/script.ts";
import { sendMessage } from "../../src/messages/send.ts";
import { BotStreamLastFrame } from "../../src/wire/frames.ts";
import { longTest, test } from "../world/long.ts";
import { useWorld } from "../world/world.ts";
import { answerEnds, room } from "./room.ts";

// Some wait for what happens once a second, and for a busy machine.
setDefaultTimeout(20_000);

const world = useWorld();

const pieces = 2_000;
const paceMs = 10;

/** A room in which an answer of many pieces is running. `stop` lets the rest of it come at once, and ends it. */
async function talking() {
  const here = await room(world);
  let pace = paceMs;
  world.gemini.respondWith(
    answerAndHang(
      ...Array.from({ length: pieces }, () => [say("piece "), until(() => delay(pace))]).flat(),
    ),
  );
  await here.anna.say(here.chat.id, "/bot talk");
  const { message_id: messageId } = await here.annas.next("bot_stream", { chunk: "piece " });
  return {
    ...here,
    messageId: Number(messageId),
    async stop() {
      pace = 0;
      const path = `/api/chats/${here.chat.id}/messages/${messageId}/stop`;
      const { body } = await here.anna.api("POST", path);
      return { stopped: body, shown: await answerEnds(here.annas) };
    },
  };
}

test("a running answer's text is stored about once a second, whatever the pieces", async () => {
  await world.sql`create table writes (content text not null)`;
  await world.sql.unsafe(`
    create function note_write() returns trigger language plpgsql as $$ begin
      insert into writes values (new.content);
      perform pg_notify('writes', '');
      return null;
    end $$;
    create trigger note_write after update on messages for each row execute function note_write();
    create table run_writes (transaction xid8 default pg_current_xact_id());
    create function note_run_write() returns trigger language plpgsql as $$ begin
      insert into run_writes default values;
      return null;
    end $$;
    create trigger note_run_write after update or delete on answer_runs for each row
      execute function note_run_write();
  `);
  let writes = 0;
  const twice = Promise.withResolvers<void>();
  const listening = await world.sql.listen("writes", () => {
    writes += 1;
    if (writes === 2) twice.resolve();
  });
  const startedAt = performance.now();
  const { annas, messages, stop } = await talking();
  await twice.promise;
  const chunks = annas.ofType("bot_stream").length;
  const [, stored] = await messages();
  expect(stored.status).toBe("streaming");
  expect(stored.content).toMatch(/^(piece )+$/);
  const { stopped, shown } = await stop();
  const seconds = (performance.now() - startedAt) / 1_000;
  expect(stopped.content).toBe(shown.text);
  const contents = (await world.sql`select content from writes`).map((row) => row.content);
  // One a second, and the last.
  expect(contents.length).toBeLessThanOrEqual(Math.floor(seconds) + 1);
  // Every write has the lease in it: besides those there are the one that stores the question, and the receipt's.
  const [runs] = await world.sql`select count(distinct transaction) from run_writes`;
  expect(Number(runs?.count)).toBeLessThanOrEqual(Math.floor(seconds) + 3);
  expect(Number(runs?.count)).toBeGreaterThanOrEqual(contents.length);
  expect(chunks).toBeGreaterThan(contents.length * 3);
  for (const content of contents) expect(shown.text).toStartWith(content);
  await listening.unlisten();
  await world.sql`drop trigger note_write on messages`;
  await world.sql`drop trigger note_run_write on answer_runs`;
});

longTest(
  "a database that is slow to store an answer's text is not given a second write meanwhile",
  async () => {
    const { annas, messageId, stop } = await talking();
    const held = await world.sql.reserve();
    await held`begin`;
    await held`select id from messages where id = ${messageId} for update`;
    // Pieces go on without the database; this many take longer than two writes would be apart.
    const enough = 2_500 / paceMs;
    for (;;) {
      const { offset } = await annas.next("bot_stream");
      if (Number(offset) > enough * "piece ".length) break;
    }
    // One that has waited for too long is given up, and the next one comes within a second.
    await world.untilBlocked();
    const [waiting] = await world.sql`
    select count(*) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and query like '%update messages%'
  `;
    expect(waiting?.count).toBeLessThanOrEqual(1);
    await held`commit`;
    held.release();
    const { stopped, shown } = await stop();
    expect(stopped).toMatchObject({ status: "stopped", content: shown.text });
  },
);

test("an answer no longer counts as running once its last frame is out", async () => {
  const { chat, anna, annas } = await room(world);
  const running: number[] = [];
  const { realtime } = world.ctx;
  const watched: Realtime = {
    rooms: realtime.rooms,
    toUser: (userId, frame) => realtime.toUser(userId, frame),
    toUsers: (userIds, frame, after) => realtime.toUsers(userIds, frame, after),
    toList: (frame, mark) => realtime.toList(frame, mark),
    reviseActivity: (frame, mark, options) => realtime.reviseActivity(frame, mark, options),
    endRoom: (chatId) => realtime.endRoom(chatId),
    answersElsewhere: (chatId, position) => realtime.answersElsewhere(chatId, position),
    hasMerged: (chatId) => realtime.hasMerged(chatId),
    toMerged: (frame, after) => realtime.toMerged(frame, after),
    toRoom(frame, options) {
      realtime.toRoom(frame, options);
      const isLast = BotStreamLastFrame.safeParse(frame).success;
      if (isLast) running.push(world.ctx.answers.inChat(chat.id, Infinity).length);
    },
  };
  const ctx = { ...world.ctx, realtime: watched };
  await sendMessage(ctx, { ...anna, expiresAtMs: Infinity }, chat.id, { content: "/bot hm?" });
  await answerEnds(annas);
  expect(running).toEqual([0]);
});
