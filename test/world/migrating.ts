// A program that only migrates, to be compiled. It prints what it applied, or why it did not.
import { pino } from "pino";
import { parseDatabaseUrl } from "../../src/config/database-address.ts";
import { migrate } from "../../src/database/migrations/migrate.ts";

const [databaseUrl = ""] = process.argv.slice(2);
try {
  console.log(
    JSON.stringify(
      await migrate(parseDatabaseUrl(databaseUrl), { log: pino({ level: "silent" }) }),
    ),
  );
} catch (error) {
  console.log(String(error));
}
