// `bun run bench [name …]`: ratios against a reference in the same run, interleaved, medians of the pairs. Counts are
// checked exactly: a run that lost or doubled anything ends with an error.
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import postgres from "postgres";
import { startEmbeddedPostgres } from "../../src/database/embedded.ts";
import { migrate } from "../../src/database/migrate.ts";
import { startChild } from "./child.ts";
import { median } from "./client.ts";
import { fill } from "./data.ts";
import * as figures from "./figures.ts";

const log = pino({ level: "error" });
const only = Bun.argv.slice(2);
const lines: string[] = [];

function format(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en-US") : value.toFixed(2);
}

async function figure(
  name: string,
  unit: string,
  target: string,
  ours: () => Promise<number>,
  reference: () => Promise<number>,
  pairs = 5,
): Promise<number> {
  if (only.length > 0 && !only.some((word) => name.includes(word))) return Number.NaN;
  const own: number[] = [];
  const bare: number[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    own.push(await ours());
    bare.push(await reference());
  }
  const ratio = median(own.map((value, index) => value / (bare[index] ?? Number.NaN)));
  const line = [
    name,
    `${format(median(own))} ${unit}`,
    `${format(median(bare))} ${unit}`,
    `${ratio.toFixed(2)}×`,
    target,
  ];
  lines.push(line.join(" | "));
  console.log(lines.at(-1));
  return median(own);
}

const dataDir = await mkdtemp(join(tmpdir(), "gemini-coop-bench-"));
// PostgreSQL's own user has to reach it where this runs as root.
await chmod(dataDir, 0o755);
const embedded = await startEmbeddedPostgres({ dataDir, log });
const sql = postgres(embedded.url, { max: 2, onnotice: () => undefined });
let children: Awaited<ReturnType<typeof startChild>>[] = [];
try {
  await migrate(embedded.url, { log });
  await fill(sql);
  const env = { BENCH_DATABASE_URL: embedded.url };
  const product = await startChild("product.ts", env);
  const reference = await startChild("reference.ts", env);
  children = [product, reference];
  const bench = { databaseUrl: embedded.url, sql, product, reference };
  console.log("figure | ours | reference | ratio (median of pairs) | target");

  for (const size of [10, 100, 1_000]) {
    const messages = Math.max(100, 20_000 / size);
    // What a message costs with one reader is not the deliveries' doing.
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
} finally {
  for (const child of children) await child.stop();
  await sql.end();
  await embedded.stop();
  await rm(dataDir, { recursive: true, force: true });
}
