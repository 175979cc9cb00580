import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Cleanup } from "../world/cleanup.ts";
import { removeFolder } from "../world/folder.ts";
import { checkOut } from "./checkout.ts";

let folder: string;
let repository: string;

function git(...args: string[]) {
  const identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
  const ran = Bun.spawnSync(["git", "-C", repository, ...identity, ...args]);
  if (!ran.success) throw new Error(ran.stderr.toString());
}

function commit(text: string) {
  writeFileSync(join(repository, "package.json"), JSON.stringify({ name: "a", description: text }));
  git("add", ".");
  git("commit", "--quiet", "--message", text);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gemini-coop-checkout-"));
  repository = mkdtempSync(join(folder, "repository-"));
  git("init", "--quiet");
  commit("first");
  commit("second");
});
afterAll(() => removeFolder(folder));

test("another commit is checked out beside the repository, which keeps its own and knows of no other", async () => {
  const to = join(folder, "first");
  await checkOut(new Cleanup(), "HEAD~1", to, repository);
  expect(readFileSync(join(to, "package.json"), "utf8")).toContain("first");
  expect(readFileSync(join(repository, "package.json"), "utf8")).toContain("second");
  expect(existsSync(join(repository, ".git/worktrees"))).toBe(false);
});

test.each(["nonsense", "--all", ""])("%p, which names no commit, is refused", async (rev) => {
  const to = join(folder, "refused");
  const made = checkOut(new Cleanup(), rev, to, repository);
  await expect(made).rejects.toThrow(/revision|ended with 128/);
  expect(existsSync(to)).toBe(false);
});

test("no command is started once the program is ending", async () => {
  const cleanup = new Cleanup();
  await cleanup.run();
  const to = join(folder, "ending");
  await expect(checkOut(cleanup, "HEAD", to, repository)).rejects.toThrow("being stopped");
  expect(existsSync(to)).toBe(false);
});
