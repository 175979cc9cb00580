// Figures of answers. Each one is read to its end and compared with what the model was told to write.
import { GoogleGenAI } from "@google/genai";
import { z } from "zod";
import { check, openProduct, type Bench } from "./bench.ts";
import { closeAll, median, quantile, type Client } from "./client.ts";
import { askerOf, roomOfAsker } from "./data.ts";
import { latency } from "./messages.ts";
import { questionOf, textOf, type Shape } from "./script.ts";

/** 4,096 characters, in full in four seconds, in pieces of about 64 tokens. */
export const usual = ({ scale }: Bench): Shape => ({
  pieces: 16,
  pieceLength: 256,
  everyMs: scale.answerMs / 16,
});
/** The same in pieces of two tokens. */
export const chatty = ({ scale }: Bench): Shape => ({
  pieces: 512,
  pieceLength: 8,
  everyMs: Math.ceil(scale.answerMs / 500),
});
const short: Shape = { pieces: 2, pieceLength: 100, everyMs: 0 };
const answerTimeoutMs = 60_000;

const StreamFrame = z.object({
  type: z.literal("bot_stream"),
  chunk: z.string(),
  offset: z.int(),
  is_complete: z.boolean(),
  full_response: z.string().optional(),
  status: z.string().optional(),
});

/** One answer as somebody in the room gets it. */
interface Heard {
  firstChunkMs: number;
  /** The bytes of all frames of the answer, including WebSocket headers. */
  bytes: number;
}

/** RFC 6455, 5.2: what stands before the text of an unmasked frame. */
function frameBytes(text: string): number {
  const length = Buffer.byteLength(text);
  return length + (length < 126 ? 2 : length < 65_536 ? 4 : 10);
}

/** Somebody who asks in one room after another. */
interface Asker {
  client: Client;
  index: number;
}

async function openAskers(bench: Bench, count: number): Promise<Asker[]> {
  const opened: Asker[] = [];
  for (let index = 0; index < count; index += 1) {
    opened.push({ index, client: await openProduct(bench, askerOf(index)) });
  }
  return opened;
}

async function close(opened: Asker[]) {
  await closeAll(opened.map(({ client }) => client));
}

/** Every question uses a room without an answer. */
function ask({ scale, turns }: Bench, { client, index }: Asker, shape: Shape): Promise<Heard> {
  const turn = turns[index] ?? 0;
  turns[index] = turn + 1;
  return askIn(roomOfAsker(scale, index, turn), client, shape);
}

async function askIn(chatId: number, client: Client, shape: Shape): Promise<Heard> {
  await client.ask({ type: "join", chat_id: chatId });
  const heard = listen(client, textOf(shape));
  client.send({ type: "message", chat_id: chatId, content: `/bot ${questionOf(shape)}` });
  const answer = await heard;
  await client.ask({ type: "leave", chat_id: chatId });
  return answer;
}

/** Begins when it is called. @throws when the answer is not exactly `expected` */
function listen(client: Client, expected: string): Promise<Heard> {
  const { promise, resolve, reject } = Promise.withResolvers<Heard>();
  const timer = setTimeout(() => reject(new Error("an answer has no end")), answerTimeoutMs);
  const startedAt = performance.now();
  let firstChunkMs = Number.NaN;
  let text = "";
  let bytes = 0;
  client.onText = (received) => {
    const at = performance.now();
    if (received.startsWith('{"type":"error"')) return reject(new Error(received));
    if (!received.startsWith('{"type":"bot_stream"')) return;
    bytes += frameBytes(received);
    try {
      const frame = StreamFrame.parse(JSON.parse(received));
      check("offset of a chunk", frame.offset, text.length);
      if (text === "" && frame.chunk !== "") firstChunkMs = at - startedAt;
      text += frame.chunk;
      if (!frame.is_complete) return;
      check("status of an answer", frame.status ?? "", "complete");
      check("chunks of an answer", text, expected);
      check("text of an answer", frame.full_response ?? "", expected);
      resolve({ firstChunkMs, bytes });
    } catch (error) {
      reject(error);
    }
  };
  return promise.finally(() => {
    clearTimeout(timer);
    client.onText = (more) => {
      if (more.startsWith('{"type":"bot_stream"')) throw new Error("an answer went on");
    };
  });
}

/** The least that gets the same answer: the SDK and nothing around it. @returns milliseconds to the first text */
async function askBare(bench: Bench, shape: Shape): Promise<number> {
  const sdk = bareSdk(bench.gemini.url);
  const startedAt = performance.now();
  const stream = await sdk.models.generateContentStream({
    model: "gemini-2.5-flash",
    contents: questionOf(shape),
  });
  let firstChunkMs = Number.NaN;
  let text = "";
  for await (const { candidates } of stream) {
    if (text === "") firstChunkMs = performance.now() - startedAt;
    text += candidates?.[0]?.content?.parts?.[0]?.text ?? "";
  }
  check("text of a bare answer", text, textOf(shape));
  return firstChunkMs;
}

let sdkOfBare: GoogleGenAI | undefined;
function bareSdk(baseUrl: string): GoogleGenAI {
  sdkOfBare ??= new GoogleGenAI({ apiKey: "none", vertexai: false, httpOptions: { baseUrl } });
  return sdkOfBare;
}

export const lengthOf = (shape: Shape) => shape.pieces * shape.pieceLength;

export type AnswerSide = "product" | "bare";

/** Asks `count` questions at a time in as many lanes. @returns milliseconds to each first chunk */
async function inLanes(
  bench: Bench,
  side: AnswerSide,
  count: number,
  lane: (ask: () => Promise<number>, index: number) => Promise<number[]>,
  shape: Shape,
): Promise<number[]> {
  const opened = side === "product" ? await openAskers(bench, count) : [];
  const delays = await Promise.all(
    Array.from({ length: count }, (_, index) => {
      const asker = opened[index];
      const once = async () =>
        asker ? (await ask(bench, asker, shape)).firstChunkMs : await askBare(bench, shape);
      return lane(once, index);
    }),
  );
  await close(opened);
  return delays.flat();
}

/** Median milliseconds from a question to the first chunk of its answer, one at a time. */
export async function firstChunkIdle(bench: Bench, side: AnswerSide): Promise<number> {
  const { questions, warmUpQuestions } = bench.scale;
  // PostgreSQL plans a statement anew for the first five times on each of the ten connections.
  const times = questions + (bench.warm.has(side) ? 0 : warmUpQuestions);
  bench.warm.add(side);
  const repeat = async (once: () => Promise<number>) => {
    const delays: number[] = [];
    for (let time = 0; time < times; time += 1) delays.push(await once());
    return delays;
  };
  return median((await inLanes(bench, side, 1, repeat, short)).slice(-questions));
}

/** The same in a room whose history is as long as a prompt takes. */
export async function firstChunkAfterHistory(bench: Bench): Promise<number> {
  const { questions, warmUpQuestions } = bench.scale;
  const [asker] = await openAskers(bench, 1);
  if (!asker) throw new Error("nobody asks");
  const chatId = await makeLongRoom(bench);
  const delays: number[] = [];
  for (let time = 0; time < warmUpQuestions + questions; time += 1) {
    delays.push((await askIn(chatId, asker.client, short)).firstChunkMs);
  }
  await close([asker]);
  return median(delays.slice(-questions));
}

/** Makes a room of the first asker. */
async function makeLongRoom({ sql, scale }: Bench): Promise<number> {
  const [userId, length] = [askerOf(0), sql`${scale.promptMessages}::int`];
  const [chat] = await sql`
    with made as (
      insert into chats (name, owner_id, is_group, participant_count, last_seq, message_count)
      values ('long', ${userId}, true, 1, ${length}, ${length})
      returning id
    ),
    people as (
      insert into chat_participants (chat_id, user_id, own_count) select id, ${userId}, ${length} from made
    ),
    history as (
      insert into messages (chat_id, user_id, content, seq, updated_seq, ordinal)
      select id, ${userId}, 'message number ' || n || ' with some more words in it', n, n, n
      from made, generate_series(1, ${length}) n
    )
    select id::int from made
  `;
  return Number(chat?.id);
}

/** The same at p99 while 100 answers run, which begin one after the other. */
export async function firstChunkBusy(bench: Bench, side: AnswerSide): Promise<number> {
  const answersOfLane = 3;
  const { answerMs, askers } = bench.scale;
  const lane = async (once: () => Promise<number>, index: number) => {
    await Bun.sleep((answerMs / askers) * index);
    const delays: number[] = [];
    for (let time = 0; time < answersOfLane; time += 1) delays.push(await once());
    // The first ones began while fewer ran.
    return delays.slice(1);
  };
  const delays = await inLanes(bench, side, askers, lane, usual(bench));
  check("answers at once", delays.length, askers * (answersOfLane - 1));
  return quantile(delays, 0.99);
}

/** The same for 100 questions in one moment. */
export async function firstChunkBurst(bench: Bench, side: AnswerSide): Promise<number> {
  const { askers } = bench.scale;
  const delays = await inLanes(bench, side, askers, async (once) => [await once()], usual(bench));
  check("answers of a burst", delays.length, askers);
  return quantile(delays, 0.99);
}

/** p99 of normal messages in milliseconds, as {@link latency} has it, while 100 answers run. */
export async function latencyDuringAnswers(bench: Bench): Promise<number> {
  const { askers, answerMs, slowRate } = bench.scale;
  const opened = await openAskers(bench, askers);
  let isOver = false;
  const lanes = Promise.all(
    opened.map(async (asker) => {
      await Bun.sleep((answerMs / askers) * asker.index);
      while (!isOver) await ask(bench, asker, usual(bench));
    }),
  );
  await Bun.sleep(answerMs);
  const p99 = await latency(bench, "product", slowRate);
  isOver = true;
  await lanes;
  await close(opened);
  return p99;
}

/** The same while no answer runs. */
export function latencyWithoutAnswers(bench: Bench): Promise<number> {
  return latency(bench, "product", bench.scale.slowRate);
}

/** Bytes that one client gets of an answer. */
export async function bytesOfAnswer(bench: Bench, shape: Shape): Promise<number> {
  const opened = await openAskers(bench, 1);
  let bytes = 0;
  for (const asker of opened) bytes = (await ask(bench, asker, shape)).bytes;
  await close(opened);
  return bytes;
}

/**
 * Transactions that wrote, for each of 50 answers that take so long, counted by the numbers that PostgreSQL gave them:
 * reservation, question with its empty answer, receipt, checkpoints, end.
 */
export async function writesOfAnswer(bench: Bench, seconds: number): Promise<number> {
  const count = Math.min(50, bench.scale.askers);
  const everyMs = 100;
  const shape = { pieces: 1 + (seconds * 1_000) / everyMs, pieceLength: 20, everyMs };
  if (bench.ownsCluster) await setAutovacuum(bench, false);
  const before = await nextTransaction(bench);
  await inLanes(bench, "product", count, async (once) => [await once()], shape);
  const after = await nextTransaction(bench);
  if (bench.ownsCluster) await setAutovacuum(bench, true);
  return (after - before) / count;
}

/** The same for each second for which an answer runs. */
export async function writesPerSecond(bench: Bench): Promise<number> {
  const [brief, long] = [0.2, bench.scale.longAnswerSeconds];
  const few = await writesOfAnswer(bench, brief);
  const many = await writesOfAnswer(bench, long);
  return (many - few) / (long - brief);
}

/** Autovacuum takes numbers of transactions, too. */
async function setAutovacuum({ sql }: Bench, isOn: boolean): Promise<void> {
  await sql`alter system set autovacuum = ${sql.unsafe(isOn ? "on" : "off")}`;
  await sql`select pg_reload_conf()`;
}

async function nextTransaction({ sql }: Bench): Promise<number> {
  const [row] = await sql`select pg_snapshot_xmax(pg_current_snapshot())::text as next`;
  return Number(row?.next);
}
