// Thousands of requests and frames, made from the documents and against them, to a server in a process of its own.
// GENERATED_SEED repeats a run, GENERATED_TIMES=10 makes ten times as many. Each run makes others.
import { afterAll, beforeAll, expect } from "bun:test";
import fc from "fast-check";
import { startGeminiEmulator } from "../../world/gemini/server.ts";
import { asyncApi } from "../../../src/wire/docs/asyncapi.ts";
import { Envelope } from "../../../src/wire/client-frames.ts";
import { operationsOf } from "../../docs/openapi.ts";
import { borrowDatabase } from "../../world/cluster.ts";
import { describedHttp } from "../../world/contract.ts";
import { isAlive } from "../../world/embedded.ts";
import { checkerOf } from "../../world/json-schema.ts";
import { bothTest, timesOf } from "../../world/long.ts";
import { processes, signUp, type Client, type ServerProcess } from "../../world/process.ts";
import { TestSocket, type Frame } from "../../world/socket.ts";
import type { Schema, SchemaContext } from "./from-schema.ts";
import { frameTexts, requests, type GeneratedRequest } from "./generated.ts";

const times = Number(process.env.GENERATED_TIMES ?? timesOf(1));
const requestsMade = 1_400 * times;
const framesMade = 600 * times;
const timeoutMs = 60_000 * times;
const together = 16;
/** Each hears what the others send. */
const socketsOpen = 8;
const seed = Number(process.env.GENERATED_SEED ?? Date.now() % 2 ** 31);

const { start, dataDir, end } = processes();
const gemini = startGeminiEmulator({ pieceDelayMs: 0 });
let server: ServerProcess;
let anna: Client;
let guest: Client;
beforeAll(async () => {
  server = await start({
    DATABASE_URL: await borrowDatabase(),
    DATA_DIR: dataDir(),
    GEMINI_BASE_URL: gemini.url,
    LOG_LEVEL: "error",
    RATE_LIMITS: "off",
    SOCKETS_PER_USER: "0",
    SOCKETS_PER_ADDRESS: "0",
    BUDGET_TOKENS_PER_USER_DAY: "0",
    BUDGET_TOKENS_PER_CHAT_DAY: "0",
    BUDGET_ANSWERS_PER_USER: "0",
    BUDGET_ANSWERS_PER_CHAT: "0",
    BUDGET_ANSWERS_TOTAL: "0",
  });
  [anna, guest] = await Promise.all([signUp(server, "anna"), signUp(server, "guest")]);
  for (let made = 0; made < 20; made += 1) {
    const owner = made % 2 === 0 ? anna : guest;
    const { body: chat } = await owner.api(server, "POST", "/api/chats", {
      is_group: true,
      participant_usernames: ["anna", "guest"],
    });
    await owner.api(server, "POST", `/api/chats/${chat.id}/messages`, { content: "/bot hello?" });
  }
});
afterAll(async () => {
  await end();
  await gemini.stop();
});

const id = fc.integer({ min: 1, max: 60 });
function context(named: Record<string, Schema>, token: string): SchemaContext {
  const known = {
    chat_id: id,
    message_id: id,
    user_id: id,
    owner_id: id,
    username: fc.constantFrom("anna", "guest"),
  };
  return { named, known: { ...known, token: fc.constant(token) } };
}

/** Does all of it, so many at a time, in the order in which they begin. */
async function inTurns<T>(
  items: T[],
  atOnce: number,
  work: (item: T, lane: number) => Promise<void>,
) {
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async (_, lane) => {
      for (let item = items[next++]; item !== undefined; item = items[next++])
        await work(item, lane);
    }),
  );
}

/** Fails unless the server lives, in the process in which it was started, and has met no error of its own. */
async function expectUnharmed() {
  expect(isAlive(server.pid)).toBe(true);
  expect((await fetch(`${server.url}/health`)).status).toBe(200);
  expect(server.output).not.toContain("unexpected error");
}

const whyFor = (made: unknown) =>
  `with GENERATED_SEED=${seed}: ${JSON.stringify(made)}`.slice(0, 2_000);

bothTest(
  `of ${requestsMade} requests none fails the server, and every refusal is a problem (seed ${seed})`,
  async () => {
    const document = describedHttp();
    const isProblem = checkerOf(document.components.schemas, { closed: true })({
      $ref: "#/components/schemas/Problem",
    });
    const statuses = new Map<number, number>();

    async function ask(made: GeneratedRequest) {
      const { method, path, headers, body } = made;
      // Every answer is held against the document besides: test/world/contract.ts.
      const answer = await fetch(server.url + path, {
        method,
        headers,
        body,
        redirect: "manual",
      }).catch((error: unknown) => {
        throw new Error(whyFor(made), { cause: error });
      });
      const text = await answer.text();
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      if (answer.status >= 500) throw new Error(`${answer.status} ${text} ${whyFor(made)}`);
      if (answer.status < 400 || method === "HEAD") return;
      const fault =
        answer.headers.get("content-type") === "application/problem+json"
          ? isProblem(JSON.parse(text))
          : "another media type";
      if (fault !== undefined) throw new Error(`${answer.status} ${text} ${fault} ${whyFor(made)}`);
    }

    const arbitrary = requests(
      operationsOf(document),
      context(document.components.schemas, anna.token),
      // Operations that may end a session use the guest's session, so that the others remain valid.
      (name) => (/ \/api\/auth\//.test(name) ? guest : anna).token,
    );
    await inTurns(fc.sample(arbitrary, { numRuns: requestsMade, seed }), together, ask);
    for (const status of [200, 400, 401, 403, 404, 409, 415, 422]) {
      expect([status, statuses.get(status) ?? 0]).not.toEqual([status, 0]);
    }
    await expectUnharmed();
  },
  timeoutMs,
);

bothTest(
  `of ${framesMade} frames each gets what the contract says, and none fails the server (seed ${seed})`,
  async () => {
    const { components } = asyncApi("0.0.0");
    const check = checkerOf(components.schemas);
    const clients = Object.entries(components.messages).filter(([key]) => key.startsWith("Client"));
    const fits = clients.map(([, { payload }]) => check(payload));
    const outcomes = new Map<string, number>();
    const url = `${server.url.replace("http", "ws")}/ws?token=${anna.token}`;
    const sockets: TestSocket[] = [];
    const open = async (lane: number) => {
      const socket = (sockets[lane] = new TestSocket(url));
      await socket.opened;
      return socket;
    };

    async function send(text: string, lane: number) {
      const socket = sockets[lane] ?? (await open(lane));
      const seen = socket.frames.length;
      socket.ws.send(text);
      if (Buffer.byteLength(text) > 64 * 1024) {
        expect([whyFor(text), (await socket.closed).code]).toEqual([whyFor(text), 1009]);
        await open(lane);
        return;
      }
      // The frames of a socket are answered one after the other.
      const barrier = crypto.randomUUID();
      socket.send({ type: "ping", request_id: barrier });
      await socket.next("pong", { request_id: barrier });
      const replies = socket.frames.slice(seen).filter(isReply).slice(0, -1);
      expectReplies(text, replies);
    }

    function expectReplies(text: string, replies: Frame[]) {
      const types = replies.map(({ type }) => type);
      outcomes.set(types.join(), (outcomes.get(types.join()) ?? 0) + 1);
      const json = parsed(text);
      const { request_id } = Envelope.parse(json);
      const isGood = fits.some((fault) => fault(json) === undefined);
      const expected = isGood ? /^((ack|joined|pong|error)|)$/ : /^error$/;
      const what = [whyFor(text), replies.map((reply) => reply.request_id), types.join()];
      if (request_id !== undefined) {
        expect(what).toEqual([whyFor(text), [request_id], expect.stringMatching(expected)]);
        expect(what[2]).not.toBe("");
      } else {
        const ids = replies.map(() => undefined);
        expect(what).toEqual([whyFor(text), ids, expect.stringMatching(expected)]);
      }
    }

    const arbitrary = frameTexts(
      clients.map(([, { payload }]) => ({ ...payload })),
      context(components.schemas, anna.token),
    );
    await inTurns(fc.sample(arbitrary, { numRuns: framesMade, seed }), socketsOpen, send);
    for (const outcome of ["ack", "joined", "pong", "error", ""]) {
      expect([outcome, outcomes.get(outcome) ?? 0]).not.toEqual([outcome, 0]);
    }
    await expectUnharmed();
  },
  timeoutMs,
);

const isReply = ({ type }: Frame) => ["ack", "joined", "pong", "error"].includes(type);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
