import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const read = (file: string) => readFileSync(join(root, file), "utf8");
const files = [...new Bun.Glob("**/*.test.ts").scanSync(root)].filter((file) =>
  /from "[./]+(\/world)?\/long\.ts"/.test(read(file)),
);

test("in files with a long form no test is played twice by the two commands", () => {
  expect(files.length).toBeGreaterThan(50);
  // Such a test would not know which command runs.
  const untold = files.filter((file) => /\{[^}]*\btest\b[^}]*\} from "bun:test"/.test(read(file)));
  expect(untold).toEqual([]);
});

test("in files with a long form that form is played: none has only tests that check plays", () => {
  const lost = files.filter((file) => !/\b(bothTest|longTest)\b[(.]/.test(read(file)));
  expect(lost).toEqual([]);
});
