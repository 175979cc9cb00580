// `bun run check:documents`: what others' tools make of the documents. Redocly's recommended rules and AsyncAPI's own
// parser find no error, and the client that openapi-typescript generates compiles.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openApi } from "../../src/docs/documents.ts";
import { asyncApi } from "../../src/wire/docs/asyncapi.ts";
import { appToDescribe } from "../world/contract.ts";

const folder = mkdtempSync(join(tmpdir(), "gemini-coop-documents-"));
const tool = (name: string) => join(import.meta.dir, "node_modules/.bin", name);
const files = {
  openapi: join(folder, "openapi.json"),
  asyncapi: join(folder, "asyncapi.json"),
  client: join(folder, "client.ts"),
};

async function passes(what: string, command: string[]): Promise<boolean> {
  const child = Bun.spawn(["bun", ...command], {
    cwd: folder,
    // They would look for newer versions and tell of themselves.
    env: { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const passed = (await child.exited) === 0;
  console.log(`${passed ? "✓" : "✗"} ${what}`);
  return passed;
}

await Bun.write(files.openapi, JSON.stringify(openApi(appToDescribe(), "0.0.0"), null, 2));
await Bun.write(files.asyncapi, JSON.stringify(asyncApi("0.0.0"), null, 2));
const results = [
  await passes("OpenAPI under Redocly's recommended rules", [
    tool("redocly"),
    "lint",
    "--extends=recommended",
    files.openapi,
  ]),
  await passes("AsyncAPI by its own parser", [
    join(import.meta.dir, "asyncapi.js"),
    files.asyncapi,
  ]),
  await passes("a client by openapi-typescript", [
    tool("openapi-typescript"),
    files.openapi,
    `--output=${files.client}`,
  ]),
  await passes("the client compiles", [
    tool("tsc"),
    "--noEmit",
    "--strict",
    "--target",
    "es2022",
    files.client,
  ]),
];
rmSync(folder, { recursive: true });
process.exit(results.every(Boolean) ? 0 : 1);
