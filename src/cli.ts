// The program of a container: the server, its migrations and its health check. Bun compiles it with all imports (see the
// Dockerfile). In a checkout, `bun run` has the same commands.
import { imageCommand } from "./attachments/images/pipe.ts";
import { ConfigError, readConfig } from "./config/config.ts";
import { localUrl } from "./config/local-url.ts";

const usage = `Usage:
  gemini-coop serve        run the server; the default command
  gemini-coop health       check whether the server in this container answers
  gemini-coop db:up|db:down|db:status|db:backup|db:restore|db:reindex|db:reports|db:import-fastapi
  gemini-coop db:help      describe these`;

const healthTimeoutMs = 4_000;

async function isHealthy(): Promise<boolean> {
  try {
    const url = `${localUrl(readConfig(), "127.0.0.1")}/health`;
    const { ok } = await fetch(url, { signal: AbortSignal.timeout(healthTimeoutMs) });
    return ok;
  } catch (error) {
    // Otherwise the server does not answer, which the exit code says.
    if (error instanceof ConfigError) console.error(error.message);
    return false;
  }
}

async function run([command = "serve", ...args]: string[]): Promise<void> {
  if (command === "serve" && args.length === 0) {
    await import("./main.ts");
  } else if (command === "health" && args.length === 0) {
    process.exitCode = (await isHealthy()) ? 0 : 1;
  } else if (command === imageCommand && args.length === 0) {
    const { runImageProgram } = await import("./attachments/images/image-program.ts");
    await runImageProgram();
  } else if (command.startsWith("db:")) {
    const { runDatabaseCommand } = await import("../db/cli.ts");
    process.exitCode = await runDatabaseCommand([command.slice("db:".length), ...args]);
  } else if ([command, ...args].some((arg) => ["help", "--help", "-h"].includes(arg))) {
    console.log(usage);
  } else {
    console.error(usage);
    process.exitCode = 2;
  }
}

await run(process.argv.slice(2));
