import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeFolder } from "../../world/folder.ts";

const folder = mkdtempSync(join(tmpdir(), "gemini-coop partial "));
afterAll(() => removeFolder(folder));

const program = `
  import { writeFileSync } from "node:fs";
  import { withPartialFile } from ${JSON.stringify(join(import.meta.dir, "../../../src/database/backup/partial-file.ts"))};
  await withPartialFile(${JSON.stringify(join(folder, "backup"))}, async (partial) => {
    writeFileSync(partial, "rows");
    console.log("written");
    await Bun.sleep(20_000);
  });
`;

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const)(
  "%s while a backup is made leaves nothing of it, and ends the process with %d",
  async (signal, code) => {
    const child = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe", env: {} });
    for await (const bytes of child.stdout) if (bytes.length > 0) break;
    expect(readdirSync(folder)).toEqual([`backup.${child.pid}.partial`]);
    child.kill(signal);
    expect(await child.exited).toBe(code);
    expect(readdirSync(folder)).toEqual([]);
  },
);
