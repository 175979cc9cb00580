// The statements of README.md and .env.example that a test can check.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageManager, scripts } from "../../package.json";
import { readConfig } from "../../src/config/config.ts";
import { startWorld, type World } from "../world/world.ts";

const root = join(import.meta.dir, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const readme = read("README.md");

function section(title: string): string {
  const [, text = ""] = readme.split(`\n## ${title}\n`);
  return text.split("\n## ")[0] ?? "";
}

function block(title: string): string {
  const [, code = ""] = /```\w*\n([\s\S]*?)```/.exec(section(title)) ?? [];
  return code;
}

/** The names of all settings in environment.ts. */
function settingsOfCode(): string[] {
  const [, schema = ""] = read("src/config/environment.ts").split("const Environment = z.object({");
  const [members = ""] = schema.split("\n});");
  return [...members.matchAll(/^ {2}([A-Z_\d]+):/gm)].map(([, name = ""]) => name).sort();
}

describe(".env.example", () => {
  const lines = read(".env.example")
    .split("\n")
    .filter((line) => /^[^#]/.test(line));
  const example = Object.fromEntries(lines.map((line) => line.split(/=(.*)/).slice(0, 2)));

  test("has every setting, and no other", () => {
    expect(Object.keys(example).sort()).toEqual(settingsOfCode());
  });

  test("has the default of each", () => {
    expect(readConfig(example)).toEqual(readConfig({}));
  });

  test("ends with the compose files of several servers, as a comment", () => {
    const last = read(".env.example").trimEnd().split("\n").at(-1) ?? "";
    const [, files = ""] = /^#COMPOSE_FILE=(.+)$/.exec(last) ?? [];
    expect(files.split(":")).toEqual(["docker-compose.yml", "docker-compose.scale.yml"]);
    for (const file of files.split(":"))
      expect([file, existsSync(join(root, file))]).toEqual([file, true]);
  });
});

describe("README.md", () => {
  test("has at most 200 lines", () => {
    expect(readme.trimEnd().split("\n").length).toBeLessThanOrEqual(200);
  });

  test("names settings that are there", () => {
    const names = section("Settings").matchAll(/\b[A-Z]+(?:_[A-Z]+)+\b/g);
    const named = [...names].map(([name]) => name);
    expect(named.length).toBeGreaterThan(4);
    expect(settingsOfCode()).toEqual(expect.arrayContaining(named));
  });

  test("maps every folder, and nothing that is not there", () => {
    const paths: string[] = [];
    let top = "";
    for (const line of block("Where things are").trimEnd().split("\n")) {
      if (!line.startsWith(" ")) {
        top = line.trim();
        continue;
      }
      const names = line.trim().split(/ {3,}/)[0] ?? "";
      paths.push(...names.split(/\s+/).map((name) => top + name));
    }
    for (const path of paths) expect([path, existsSync(join(root, path))]).toEqual([path, true]);
    const entries = ["db", "src"].flatMap((folder) =>
      readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
        if (entry.isDirectory()) return [`${folder}/${entry.name}/`];
        return folder === "src" ? [`${folder}/${entry.name}`] : [];
      }),
    );
    expect(paths).toEqual(expect.arrayContaining(entries));
  });

  test("names scripts and files that are there", () => {
    const commands = [...readme.matchAll(/\bbun(?:@\S+)? run ([a-z:]+)/g)].map(([, name]) => name);
    expect(commands.length).toBeGreaterThan(4);
    const known = Object.keys(scripts);
    for (const name of commands)
      expect(known).toContain(
        name === "db:new|up|down|status|backup|restore" ? "db:new" : (name ?? ""),
      );
    for (const [, path = ""] of readme.matchAll(/`((?:src|test|db)\/[\w./-]*)`/g)) {
      expect([path, existsSync(join(root, path))]).toEqual([path, true]);
    }
  });

  test("names one version of Bun, which package.json has too, and the Dockerfile and the check", () => {
    const texts = [readme, read("Dockerfile"), read(".ci/run")].join("\n");
    const versions = [...texts.matchAll(/\bbun[@:](\d+\.\d+\.\d+)/g)].map(([, version]) => version);
    expect(versions.length).toBeGreaterThan(4);
    expect(new Set(versions.map((version) => `bun@${version}`))).toEqual(new Set([packageManager]));
  });
});

/** Expects a document to name more than some files and folders, all of which are there. */
function expectPaths(document: string, min: number): void {
  const paths = [...document.matchAll(/`((?:src|test|db)\/[\w./-]*)`/g)].map(
    ([, path = ""]) => path,
  );
  expect(paths.length).toBeGreaterThan(min);
  for (const path of paths) expect([path, existsSync(join(root, path))]).toEqual([path, true]);
}

describe("db/SCALE.md", () => {
  const scale = read("db/SCALE.md");

  test("names files that are there", () => {
    expectPaths(scale, 5);
  });
});

describe("SECURITY.md", () => {
  const security = read("SECURITY.md");

  test("names tests, settings and files that are there", () => {
    expectPaths(security, 30);
    const named = [...security.matchAll(/`([A-Z]+(?:_[A-Z]+)+)(?:=\w+)?`/g)].map(
      ([, name]) => name,
    );
    expect(named.length).toBeGreaterThan(8);
    expect(settingsOfCode()).toEqual(expect.arrayContaining(named));
  });

  test("has each file of test/security in its table", () => {
    const tests = readdirSync(join(root, "test/whole/security")).filter((name) =>
      name.endsWith(".test.ts"),
    );
    for (const name of tests) expect(security).toContain(`test/whole/security/${name}`);
  });
});

describe("the README's first conversation", () => {
  let world: World;
  let folder: string;
  beforeAll(async () => {
    world = await startWorld();
    folder = mkdtempSync(join(tmpdir(), "npx-"));
    // In npx's place: the Bun that runs this, so that nothing is fetched.
    writeFileSync(join(folder, "npx"), `#!/bin/sh\nshift 2\nexec '${process.execPath}' "$@"\n`);
    chmodSync(join(folder, "npx"), 0o755);
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await world.stop();
  });

  test("works when it is pasted", async () => {
    const script = block("A first conversation").replaceAll(
      "localhost:8000",
      new URL(world.url).host,
    );
    const shell = Bun.spawn(["bash", "-eu", "-o", "pipefail", "-c", script], {
      env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [said, complained] = await Promise.all([shell.stdout.text(), shell.stderr.text()]);
    expect({ code: await shell.exited, complained }).toEqual({ code: 0, complained: "" });

    const [user, ...rest] = said
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(user).toMatchObject({ username: "ada" });
    const history = rest.pop();
    expect(rest[0]).toMatchObject({ type: "joined", recovered: true });
    expect(rest[1]).toMatchObject({ type: "message", username: "ada" });
    const last = rest.at(-1);
    expect(last).toMatchObject({ type: "bot_stream", is_complete: true, status: "complete" });
    // The label of the speaker that the model gets is not shown to the room.
    expect(last.full_response).toContain("You asked: “Why is the sky blue?”");
    expect(history).toMatchObject([
      { username: "ada", content: "/bot Why is the sky blue?" },
      { username: "Gemini", content: last.full_response },
    ]);
  }, 20_000);
});
