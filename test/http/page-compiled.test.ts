// The page of a compiled server, with the flags of the Dockerfile: it has its own files inside, also those that the page
// loads later.
import { afterAll, beforeAll, expect, setDefaultTimeout } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { longTest } from "../world/long.ts";

const root = join(import.meta.dir, "../..");
setDefaultTimeout(60_000);

/** Paths and what is there. */
const Files = z.record(z.string(), z.string());

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gemini-coop-page-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function flagsOfTheImage(): string[] {
  const dockerfile = readFileSync(join(root, "Dockerfile"), "utf8");
  const [, flags = ""] = /^RUN bun build (--compile .*?) \\$/m.exec(dockerfile) ?? [];
  return flags.split(" ").filter((flag) => flag !== "");
}

longTest(
  "a compiled server has the page and all that it loads later inside, and each script names files that are there",
  async () => {
    const program = join(folder, "program");
    const entry = join(root, "test/world/page-files.ts");
    const flags = flagsOfTheImage();
    expect(flags).toContain("--compile");
    const built = Bun.spawnSync(
      [process.execPath, "build", ...flags, entry, "--outfile", program],
      {
        cwd: root,
      },
    );
    expect(built.stderr.toString()).not.toContain("error");
    const child = Bun.spawn([program], { cwd: folder, env: {} });
    const files = Files.parse(JSON.parse(await child.stdout.text()));
    expect(await child.exited).toBe(0);

    const scripts = Object.entries(files).filter(([path]) => path.endsWith(".js"));
    const [[, first = ""] = [], ...others] = scripts;
    // Scripts that are loaded later may share another one.
    expect(others.filter(([path]) => first.includes(`import("${path}")`))).toHaveLength(12);
    // Temml and the languages of code are each in a script of their own.
    for (const word of ["\\\\varnothing", "synchronized"]) {
      expect(first).not.toContain(word);
      expect(others.filter(([, script]) => script.includes(word))).toHaveLength(1);
    }
  },
);
