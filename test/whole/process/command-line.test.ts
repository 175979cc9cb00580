import { afterAll, describe, expect, setDefaultTimeout } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { borrowDatabase } from "../../world/cluster.ts";
import { removeFolder } from "../../world/folder.ts";
import { longTest, test } from "../../world/long.ts";
import { runProgram } from "../../world/program.ts";

setDefaultTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), "gemini-coop commands "));
afterAll(() => removeFolder(folder));

/** Nothing listens there: a command that gets as far as its database fails with 1. */
const DATABASE_URL = "postgres://nobody@127.0.0.1:1/nothing";

const run = (args: readonly string[], env: Record<string, string> = { DATABASE_URL }) =>
  runProgram("src/cli.ts", args, { cwd: folder, env });

const commands = ["up", "down", "status", "backup", "restore", "reindex", "reports"];

describe("the command line", () => {
  longTest("describes itself when it is asked to, and does nothing else", async () => {
    const asked = [["--help"], ["-h"], ["help"], ["serve", "--help"], ["health", "-h"]];
    const ofDatabase = ["up", "backup", "new"].map((name) => [`db:${name}`, "--help"]);
    for (const args of [...asked, ...ofDatabase, ["db:help"], ["db:restore", "file", "-h"]]) {
      const { code, stdout, stderr } = await run(args);
      expect([args, code, stderr]).toEqual([args, 0, ""]);
      expect(stdout).toStartWith("Usage:\n");
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  longTest(
    "refuses an option that a command does not have, rather than take it as the name of a file",
    async () => {
      for (const name of [...commands, "import-fastapi"]) {
        const { code, stdout, stderr } = await run([`db:${name}`, "--dryrun"]);
        expect([name, code, stdout]).toEqual([name, 2, ""]);
        expect(stderr).toContain("Usage:\n");
      }
      const { stderr } = await run(["db:backup", "--output"]);
      expect(stderr).toStartWith(
        "db:backup has no option --output; a file of that name is ./--output.\n",
      );
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  test("makes no backup beside the files of another one, which a restore would take for its own", async () => {
    const file = join(folder, "monday.files.tar");
    writeFileSync(file, "");
    const { code, stderr } = await run(["db:backup", join(folder, "monday.sql.gz")]);
    rmSync(file);
    expect(code).toBe(1);
    expect(stderr).toBe(
      `Failed: ${file}, the files of another backup, exists already: choose another name.\n`,
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  test("says that a backup has the database only, when its files could not be saved", async () => {
    const noFolder = join(folder, "no-folder");
    writeFileSync(noFolder, "");
    const file = join(folder, "tuesday.sql.gz");
    const env = { DATABASE_URL: await borrowDatabase(), FILES_DIR: noFolder };
    const { code, stderr } = await run(["db:backup", file], env);
    expect(code).toBe(1);
    expect(stderr).toStartWith(`Failed: The database is saved to ${file}, and its files are not: `);
    expect(readdirSync(folder).toSorted()).toEqual(["no-folder", "tuesday.sql.gz"]);
  });
});
