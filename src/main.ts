// Process start, and the only file with start-up effects: config, database, model, server; then shutdown on a signal.
// `bun --hot` runs it again on every change, so globalThis keeps the embedded database, which lives on, and the previous
// server, which is stopped first.
import type { Logger } from "pino";
import { keptSecretKey } from "./accounts/secret-key.ts";
import { createDemonstration } from "./model/demonstration.ts";
import { createGeminiModel } from "./model/gemini/client.ts";
import { loadBus } from "./bus/load-bus.ts";
import { createGeminiFiles } from "./model/gemini/files.ts";
import { ConfigError, readConfig, type Config } from "./config/config.ts";
import { compose } from "./compose.ts";
import type { Model } from "./context.ts";
import { parseDatabaseUrl } from "./config/database-address.ts";
import { checkDurability } from "./database/connect.ts";
import { openPool } from "./database/pooler.ts";
import {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
} from "./embedded-postgres/embedded-postgres.ts";
import { migrate } from "./database/migrations/migrate.ts";
import { createLogger } from "./observability/logger.ts";
import { loadTelemetry } from "./observability/telemetry.ts";
import { startServer, type RunningServer } from "./server.ts";

interface Kept {
  embedded: EmbeddedPostgres | undefined;
  stop: (() => Promise<void>) | undefined;
  signals: boolean;
}

declare global {
  var geminiCoop: Kept | undefined;
}

const kept = (globalThis.geminiCoop ??= {
  embedded: undefined,
  stop: undefined,
  signals: false,
});

function modelOf(config: Config, log: Logger): Model {
  const { apiKey, model, imageModel, baseUrl } = config.gemini;
  if (apiKey || (baseUrl && !config.production)) {
    // A server at GEMINI_BASE_URL may need no key, but the SDK requires one.
    const options = { apiKey: apiKey ?? "none", baseUrl, log };
    const files = createGeminiFiles(options);
    const answer = createGeminiModel(options);
    return { answer, pictures: imageModel ? answer : undefined, files, description: model };
  }
  if (config.production) {
    return {
      answer: undefined,
      description: "none: GEMINI_API_KEY is not set, so /bot does not answer",
    };
  }
  return {
    answer: createDemonstration(),
    pictures: createDemonstration({ ofPictures: true }),
    isDemonstration: true,
    description:
      "offline demonstration: GEMINI_API_KEY is not set, so /bot is not answered by Gemini",
  };
}

async function start(config: Config, log: Logger): Promise<void> {
  if (!config.database) {
    kept.embedded ??= await startEmbeddedPostgres({ dataDir: config.dataDir, log });
  }
  const database = config.database ?? (kept.embedded && parseDatabaseUrl(kept.embedded.url));
  if (!database) throw new Error("There is no database to use.");
  const secretKey = config.secretKey ?? (await keptSecretKey(config.dataDir));

  await migrate(database, { log });
  const sql = await openPool(database, log);
  await checkDurability(sql, log);
  const model = modelOf(config, log);
  const telemetry = await loadTelemetry(config, log);
  const bus = await loadBus(config, log, telemetry.metrics);
  const parts = compose({ config: { ...config, secretKey }, sql, log, model, telemetry, bus });
  await parts.ctx.files.check();
  const server = startServer(parts);
  kept.stop = async () => {
    await server.stop();
    await telemetry.stop();
    await sql.end({ timeout: 2 });
  };
  announce(server, model);
}

function announce({ ctx, url }: RunningServer, model: Model) {
  const { config, log } = ctx;
  const embedded = config.database === undefined;
  const places = {
    ...(config.webPage ? { room: url } : {}),
    api: `${url}/api`,
    docs: `${url}/docs`,
    sockets: `${url.replace(/^http/, "ws")}/ws`,
    database: embedded ? `embedded PostgreSQL 17 in ${config.dataDir}` : "DATABASE_URL",
    files: ctx.files.description,
    bot: model.description,
  };
  if (config.production) {
    log.info(places, "listening");
    return;
  }
  const lines = Object.entries(places).map(([name, place]) => `  ${name.padEnd(9)} ${place}`);
  console.log(["", "Gemini Coop is up.", ...lines, "", "  Ctrl-C stops it."].join("\n") + "\n");
}

async function stopEverything(log: Logger): Promise<void> {
  const { stop, embedded } = kept;
  kept.stop = undefined;
  await stop?.();
  await embedded?.stop();
  log.info("stopped");
}

function stopOnSignals(log: Logger) {
  if (kept.signals) return;
  kept.signals = true;
  let asked = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (asked) return;
    asked = true;
    log.info({ signal }, "stopping");
    stopEverything(log).then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, "could not stop cleanly");
        process.exit(1);
      },
    );
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  process.on("SIGHUP", onSignal);
}

async function main() {
  const previous = kept.stop;
  kept.stop = undefined;
  await previous?.();
  let log: Logger | undefined;
  try {
    const config = readConfig();
    log = await createLogger(config);
    stopOnSignals(log);
    await start(config, log);
  } catch (error) {
    if (error instanceof ConfigError || !log)
      console.error(error instanceof Error ? error.message : error);
    else log.fatal({ err: error }, "the server could not start");
    await kept.embedded?.stop();
    process.exit(1);
  }
}

await main();
