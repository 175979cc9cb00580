// A process that has an embedded database until its stdin ends: for tests that end it in worse ways.
// bun embedded-owner.ts <data folder>. Says one line of JSON: { "url" } or { "error" }.
import pino from "pino";
import { startEmbeddedPostgres } from "../../src/embedded-postgres/embedded-postgres.ts";

const [, , dataDir = ""] = process.argv;
const log = pino({ level: "warn" }, pino.destination(2));
try {
  const database = await startEmbeddedPostgres({ dataDir, log });
  console.log(JSON.stringify({ url: database.url }));
  await Bun.stdin.text();
  await database.stop();
} catch (error) {
  console.log(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
  process.exitCode = 1;
}
