// Random histories of answers on two servers: asked, stopped, joined, taken over and deleted at any moment. However they
// go, every answer ends, everyone who listens has its text, and nothing stays reserved. A seed repeats the decisions.
import { afterAll, beforeAll, expect, setDefaultTimeout } from "bun:test";
import { recoverAnswers } from "../../../src/answers/recovery.ts";
import { createGeminiModel } from "../../../src/model/gemini/client.ts";
import type { RunningServer } from "../../../src/server.ts";
import { startModel, questionFor, type ScriptedModel } from "../../whole/faults/model.ts";
import { createRandom, type Random } from "../../whole/faults/random.ts";
import { bothTest, isLong } from "../../world/long.ts";
import { TestSocket } from "../../world/socket.ts";
import { useWorld, type Person } from "../../world/world.ts";
import { unsettled } from "../left-behind.ts";

setDefaultTimeout(60_000);

/** The number of histories, which are played at the same time. */
const histories = isLong ? 24 : 6;
const steps = 12;
const pauseMsMax = 500;
/** Some answers fail or are complete before they can be stopped. */
const stopsTriedMax = 20;

const world = useWorld({
  env: { BUDGET_ANSWERS_PER_CHAT: "0", BUDGET_ANSWERS_TOTAL: "0", BUDGET_ANSWERS_PER_USER: "0" },
});
let model: ScriptedModel;
const servers: RunningServer[] = [];
beforeAll(() => {
  // The world's own server, whose model is another, takes nothing over.
  world.ctx.lifecycle.closing = true;
  model = startModel();
  const { log } = world.ctx;
  const answer = createGeminiModel({
    apiKey: "test-key",
    baseUrl: model.url,
    log,
    backoffMs: 1,
  });
  const scripted = { model: { answer, description: "scripted" } };
  servers.push(world.startAnother(scripted), world.startAnother(scripted));
});
afterAll(async () => {
  for (const server of servers) await server.stop();
  await model.stop();
});

async function call(
  { url }: RunningServer,
  { token }: Person,
  method: string,
  path: string,
  body?: object,
) {
  const response = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  return { status: response.status, body: JSON.parse(await response.text()) };
}

async function join({ url }: RunningServer, { token }: Person, chatId: number, afterSeq?: number) {
  const socket = new TestSocket(`${url.replace("http", "ws")}/ws?token=${token}&frames=flat`);
  await socket.opened;
  socket.send({ type: "join", chat_id: chatId, after_seq: afterSeq });
  await socket.next("joined", { chat_id: chatId });
  return socket;
}

/** Lets a server take an answer over, whose own server is alive and finds that out. */
async function takeOver(server: RunningServer, messageId: number) {
  await world.sql`update answer_runs set lease_expires_at = now() where message_id = ${messageId}`;
  await recoverAnswers(server.ctx);
}

async function play(name: string, random: Random) {
  const anna = await world.person("anna");
  const chat = await anna.chat();
  const path = `/api/chats/${chat.id}/messages`;
  const sockets = [await join(random.pick(servers), anna, chat.id)];
  const asked: string[] = [];
  let deleted = false;
  const newest = async () => {
    const rows = await world.sql`
      select id from messages where chat_id = ${chat.id} and answer_to is not null order by id desc limit 2
    `;
    return rows.length === 0 ? undefined : Number(random.pick([...rows]).id);
  };
  const ask = async () => {
    const clientId = `${name}-${asked.length}`;
    asked.push(clientId);
    const body = { content: questionFor(clientId), client_id: clientId };
    expect((await call(random.pick(servers), anna, "POST", path, body)).status).toBe(200);
  };
  const stop = async (messageId: number) => {
    const { status, body } = await call(
      random.pick(servers),
      anna,
      "POST",
      `${path}/${messageId}/stop`,
    );
    expect([200, 409]).toContain(status);
    if (status === 200) expect(body.status).not.toBe("streaming");
    return body.status === "stopped";
  };
  await ask();
  for (let step = 0; step < steps && !deleted; step += 1) {
    await Bun.sleep(random.int(0, pauseMsMax));
    const server = random.pick(servers);
    const messageId = await newest();
    const what = random.next();
    if (what < 0.2) await ask();
    else if (what < 0.3 && messageId) await stop(messageId);
    else if (what < 0.6)
      sockets.push(
        await join(server, anna, chat.id, random.chance(0.5) ? random.int(0, 2) : undefined),
      );
    else if (what < 0.95 && messageId) await takeOver(server, messageId);
    else if (random.chance(0.3)) {
      deleted = (await call(server, anna, "DELETE", `/api/chats/${chat.id}`)).status === 200;
    }
  }
  let stopped = deleted;
  for (let tries = 0; tries < stopsTriedMax && !stopped; tries += 1) {
    await ask();
    const messageId = await newest();
    stopped = messageId !== undefined && (await stop(messageId));
  }
  return { chatId: chat.id, sockets, asked };
}

/** Builds an answer's text as a client does: pieces fit, or bring the whole text anew, and nothing follows the last one. */
function shownText(socket: TestSocket, messageId: number) {
  let text: string | undefined;
  let last: string | undefined;
  for (const frame of socket.ofType("bot_stream")) {
    if (frame.message_id !== messageId) continue;
    expect(last).toBeUndefined();
    if (frame.is_complete) {
      last = String(frame.full_response);
      expect(text ?? "").toBe(last);
    } else {
      if (frame.offset === 0) text = "";
      expect(frame.offset).toBe(text?.length);
      text += String(frame.chunk);
    }
  }
  return last;
}

bothTest(
  "whatever happens to answers, each ends once, with the text that everyone was shown, and nothing stays reserved",
  async () => {
    const seed = process.env.HISTORIES_SEED ?? crypto.randomUUID().slice(0, 8);
    console.log(`HISTORIES_SEED=${seed} makes the same decisions`);
    const played = await Promise.all(
      Array.from({ length: histories }, (_, n) => play(`h${n}`, createRandom(`${seed} ${n}`))),
    );
    while ((await unsettled(world.sql)).some(({ length }) => length > 0)) await Bun.sleep(50);
    expect(model.takeIncidents()).toEqual([]);

    const statuses = new Set<string>();
    for (const { chatId, sockets, asked } of played) {
      const stored = await world.sql`
      select m.id, m.status, m.content, m.updated_seq, q.client_id from messages m
      join messages q on q.id = m.answer_to where m.chat_id = ${chatId}
    `;
      expect([0, asked.length]).toContain(stored.length);
      for (const { id, status, content, updated_seq: updatedSeq, client_id: clientId } of stored) {
        statuses.add(status);
        const whole = model.answerTo(clientId);
        if (status === "complete") expect(content).toBe(whole);
        else expect(whole).toStartWith(content);
        for (const socket of sockets) {
          const joinedAt = Number(socket.ofType("joined")[0]?.last_seq);
          if (joinedAt >= Number(updatedSeq)) continue;
          // A frame that another server sent is read from the log.
          while (shownText(socket, Number(id)) === undefined) await Bun.sleep(20);
          expect(shownText(socket, Number(id))).toBe(content);
        }
      }
      for (const socket of sockets) await socket.close();
    }
    expect([...statuses]).toContain("complete");
    expect([...statuses]).toContain("stopped");
  },
);
