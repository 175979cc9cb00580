// `bun run bench [name …]`: medians of ratios against a reference that is measured in the same run, alternately. Counts are
// checked exactly: a run that has lost or duplicated a message ends with an error.
import { chmodSync, mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import postgres from "postgres";
import { parseDatabaseUrl } from "../../src/config/database-address.ts";
import { startEmbeddedPostgres } from "../../src/embedded-postgres/embedded-postgres.ts";
import { migrate } from "../../src/database/migrations/migrate.ts";
import * as answers from "./answers.ts";
import type { Bench } from "./bench.ts";
import { Cleanup } from "../world/cleanup.ts";
import { startChild } from "./child.ts";
import { fill } from "./data.ts";
import * as figures from "./figures.ts";
import { addedFigure, countFigure, figure, printHead } from "./report.ts";

const log = pino({ level: "error" });
const cleanup = new Cleanup();
cleanup.runOnSignals();
const dataDir = mkdtempSync(join(tmpdir(), "gemini-coop-bench-"));
cleanup.add(() => rm(dataDir, { recursive: true, force: true }));
// As root, PostgreSQL runs under another account, which has to reach the folder.
chmodSync(dataDir, 0o755);
const starting = startEmbeddedPostgres({ dataDir, log });
cleanup.add(async () => (await starting).stop());

async function measureAll(databaseUrl: string, sql: postgres.Sql) {
  await migrate(parseDatabaseUrl(databaseUrl), { log });
  await fill(sql);
  const gemini = await startChild(cleanup, "gemini.ts");
  const env = { BENCH_DATABASE_URL: databaseUrl, BENCH_GEMINI_URL: gemini.url };
  const product = await startChild(cleanup, "product.ts", env);
  const reference = await startChild(cleanup, "reference.ts", env);
  const bench: Bench = { cleanup, databaseUrl, sql, product, reference, gemini };
  printHead();
  await measureDeliveries(bench);
  await measureMessages(bench);
  await measureReading(bench);
  await measureAnswers(bench);
}

async function measureDeliveries(bench: Bench) {
  for (const size of [10, 100, 1_000]) {
    const messages = Math.max(100, 20_000 / size);
    // The cost of a message with one reader is not caused by deliveries.
    const perDelivery = async (side: "product" | "reference") => {
      const alone = await figures.fanOut(bench, side, 1, 200);
      return ((await figures.fanOut(bench, side, size, messages)) - alone) / (size - 1);
    };
    await figure(
      `cpu per delivery, room of ${size}`,
      "µs",
      "≤ 1.15×",
      () => perDelivery("product"),
      () => perDelivery("reference"),
    );
  }
}

async function measureMessages(bench: Bench) {
  const perSecond = async (rooms: figures.Rooms) =>
    (await figures.throughput(bench, rooms, 6_400)).perSecond;
  const spread = () => perSecond("spread");
  const top = await figure("acknowledged, spread, bare insert", "/s", "≥ 0.6×", spread, () =>
    figures.rawInserts(bench, "bare", "spread", 12_800),
  );
  await figure("acknowledged, spread, own statement", "/s", "", spread, () =>
    figures.rawInserts(bench, "product", "spread", 12_800),
  );
  await figure("acknowledged, one hot room", "/s", "≥ 0.9×", () => perSecond("hot"), spread);
  await figure(
    "cpu per message, acknowledged",
    "µs",
    "",
    async () => (await figures.throughput(bench, "spread", 6_400)).cpuMicros,
    () => figures.referenceCpu(bench, 6_400),
  );
  const rate = Number.isNaN(top) ? 2_000 : top / 2;
  await figure(
    "p99 send to delivery at half load",
    "ms",
    "≤ 2×",
    () => figures.latency(bench, "product", rate, 3),
    () => figures.latency(bench, "reference", rate, 3),
  );
}

async function measureReading(bench: Bench) {
  await figure(
    "history of 50 from 1,000,000",
    "/s",
    "≥ 0.9×",
    () => figures.history(bench, "product", 2_000),
    () => figures.history(bench, "reference", 2_000),
  );
  await figure(
    "connect, sign in, join, catch up",
    "µs",
    "≤ 4×",
    () => figures.connecting(bench, "product", 500),
    () => figures.connecting(bench, "reference", 500),
  );
  await figure(
    "bytes of an idle socket",
    "B",
    "≤ 3×",
    () => figures.idleSocket(bench, "product", 9_900),
    () => figures.idleSocket(bench, "reference", 9_900),
    3,
  );
}

async function measureAnswers(bench: Bench) {
  const { usual, chatty } = answers;
  await addedFigure(
    "answer's first chunk, idle, median",
    "ms",
    "≤ 2 ms more",
    () => answers.firstChunkIdle(bench, "product", 50),
    () => answers.firstChunkIdle(bench, "bare", 50),
    7,
  );
  await addedFigure(
    "answer's first chunk, 100 running, p99",
    "ms",
    "≤ 10 ms more",
    () => answers.firstChunkBusy(bench, "product"),
    () => answers.firstChunkBusy(bench, "bare"),
  );
  await addedFigure(
    "answer's first chunk, 100 asked at once, p99",
    "ms",
    "",
    () => answers.firstChunkBurst(bench, "product"),
    () => answers.firstChunkBurst(bench, "bare"),
  );
  const rate = 500;
  await figure(
    "p99 of messages during 100 answers, to without",
    "ms",
    "≤ 1.5×",
    () => answers.latencyDuringAnswers(bench, rate, 4),
    () => figures.latency(bench, "product", rate, 4),
  );
  const text = async () => answers.lengthOf(usual);
  await figure(
    "bytes of an answer, 256 characters a piece",
    "B",
    "≤ 3×",
    () => answers.bytesOfAnswer(bench, usual),
    text,
    1,
  );
  await figure(
    "bytes of an answer, 8 characters a piece",
    "B",
    "",
    () => answers.bytesOfAnswer(bench, chatty),
    text,
    1,
  );
  await countFigure("writes of an answer that ends at once", "", "", () =>
    answers.writesOfAnswer(bench, 0.2),
  );
  await countFigure("writes a second of a running answer", "/s", "≤ 1 /s", async () => {
    const [brief, long] = [0.2, 10.2];
    const [few, many] = [
      await answers.writesOfAnswer(bench, brief),
      await answers.writesOfAnswer(bench, long),
    ];
    return (many - few) / (long - brief);
  });
}

try {
  const embedded = await starting;
  const sql = postgres(embedded.url, { max: 2, onnotice: () => undefined });
  await measureAll(embedded.url, sql);
  await sql.end();
} catch (error) {
  // After a signal everything fails.
  if (!cleanup.isRunning) throw error;
} finally {
  await cleanup.run();
}
