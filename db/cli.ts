// `bun run db:new|up|down|status`: on DATABASE_URL, or else on the embedded database, running or not.
import pino from "pino";
import { ConfigError, readConfig } from "../src/config.ts";
import { migrate, migrationStates, newMigration, rollBack } from "../src/database/migrate.ts";
import { withDatabase } from "./database.ts";

const usage = `Usage:
  bun run db:new <name>   make an empty migration in db/migrations; name_like_this
  bun run db:up           apply the migrations that have not been applied
  bun run db:down         take back the one that was applied last
  bun run db:status       list all`;

/** What people should see besides the answer: to stderr, so that stdout has only the answer. */
const log = pino({ level: "warn" }, pino.destination(2));

/** @returns the exit code: 0, 1 when it failed, 2 for what is no command; what to say is on the console */
export async function runDatabaseCommand([command, ...args]: string[]): Promise<number> {
  try {
    if (command === "new" && args[0] !== undefined && args.length === 1) {
      console.log(await newMigration(args[0]));
      return 0;
    }
    if (args.length > 0 || !(command === "up" || command === "down" || command === "status")) {
      console.error(usage);
      return 2;
    }
    console.log(await withDatabase(readConfig(), log, commands[command]));
    return 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    console.error(error instanceof ConfigError ? error.message : `Failed: ${error.message}`);
    return 1;
  }
}

const commands = {
  async up(url: string) {
    const applied = await migrate(url, { log });
    return applied.length > 0
      ? applied.map((name) => `applied ${name}`).join("\n")
      : "Nothing to apply.";
  },
  async down(url: string) {
    return `rolled back ${await rollBack(url, { log })}`;
  },
  async status(url: string) {
    const states = await migrationStates(url, { log });
    return states
      .map(({ name, applied }) => `${applied ? "applied" : "pending"}  ${name}`)
      .join("\n");
  },
};

if (import.meta.main) process.exitCode = await runDatabaseCommand(process.argv.slice(2));
