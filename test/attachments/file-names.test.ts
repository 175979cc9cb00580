import { expect, test } from "bun:test";
import { contentDisposition, harmlessName } from "../../src/attachments/file-names.ts";

test.each([
  ["../../etc/passwd", "passwd"],
  ["..\\..\\windows\\system32\\a.dll", "a.dll"],
  ["C:\\fakepath\\photo.jpg", "photo.jpg"],
  ["/", "file"],
  ["..", "file"],
  [".", "file"],
  ["   ", "file"],
  ["", "file"],
  [".htaccess", ".htaccess"],
  ["a.txt...  ", "a.txt"],
  ["invoice\u202egnp.exe", "invoicegnp.exe"],
  ["\u2066a\u2069\u200f.txt", "a.txt"],
  ["a\r\nSet-Cookie: b=c.txt", "aSet-Cookie_ b=c.txt"],
  ["a\u0000.png", "a.png"],
  ["a\u0007\u001b[31m.txt", "a[31m.txt"],
  ["a\ud800b.txt", "a\ufffdb.txt"],
  ["zero\u200bwidth\ufeff.txt", "zerowidth.txt"],
  ['<>:"|?*.txt', "_______.txt"],
  ["con", "_con"],
  ["NUL.txt", "_NUL.txt"],
  ["COM1.tar.gz", "_COM1.tar.gz"],
  ["console.log", "console.log"],
  ["e\u0301.txt", "é.txt"],
  ["多言語の名前.pdf", "多言語の名前.pdf"],
  ["👩‍👩‍👧.png", "👩👩👧.png"],
  ["a\u2028b\u2029c", "abc"],
  [`invoice.pdf${"\u3164".repeat(30)}.exe`, "invoice.pdf.exe"],
  ["\u2800\u115f\uffa0", "file"],
  ["a\u034f\u180e\u{e0100}.txt", "a.txt"],
  ["....//....//a", "a"],
  ["%2e%2e%2fa", "%2e%2e%2fa"],
  ["a/..", "file"],
])("%j becomes %j", (given, expected) => {
  expect(harmlessName(given)).toBe(expected);
  expect(harmlessName(expected)).toBe(expected);
});

test("a long name keeps its extension and whole characters", () => {
  const name = harmlessName(`${"日".repeat(500)}.pdf`);
  expect(Buffer.byteLength(name)).toBeLessThanOrEqual(200);
  expect(name).toMatch(/^日+\.pdf$/);
  const stem = harmlessName(`a.${"b".repeat(500)}`);
  expect(stem.length).toBe(200);
});

test.each([
  ["a space", `${"b".repeat(199)} ${"c".repeat(50)}`, "b".repeat(199)],
  ["a dot", `${"b".repeat(199)}.${"c".repeat(50)}`, "b".repeat(199)],
  ["nothing, after a device's name", `con.${"x".repeat(500)}`, `_con.${"x".repeat(195)}`],
])("a name that is cut ends in no space or dot, and is cut once: %s", (_, given, expected) => {
  expect(harmlessName(given)).toBe(expected);
  expect(harmlessName(expected)).toBe(expected);
});

test.each([
  ["a.txt", 'attachment; filename="a.txt"'],
  ["a b.txt", 'attachment; filename="a b.txt"'],
  ["ü.txt", `attachment; filename="_.txt"; filename*=UTF-8''%C3%BC.txt`],
  ["100%.txt", `attachment; filename="100_.txt"; filename*=UTF-8''100%25.txt`],
  ["it's (1)*.txt", 'attachment; filename="it\'s (1)*.txt"'],
  ["ü'(*).txt", `attachment; filename="_'(*).txt"; filename*=UTF-8''%C3%BC%27%28%2A%29.txt`],
  ["👩.png", `attachment; filename="_.png"; filename*=UTF-8''%F0%9F%91%A9.png`],
])("the disposition of %j is right", (name, expected) => {
  expect(contentDisposition("attachment", name)).toBe(expected);
});
