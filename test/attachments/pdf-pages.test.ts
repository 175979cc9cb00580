// The pages of a PDF are counted, so that the model's tokens can be estimated.
import { expect, test } from "bun:test";
import { deflateSync } from "node:zlib";
import { countPages } from "../../src/attachments/pdf-pages.ts";

const objectStream = (objects: string, filter = deflateSync(Buffer.from(objects))) =>
  Buffer.concat([
    Buffer.from(
      `5 0 obj <</Type /ObjStm /Filter /FlateDecode /Length ${filter.length}>> stream\r\n`,
    ),
    filter,
    Buffer.from("\nendstream endobj\n"),
  ]);

test.each<[what: string, bytes: Buffer, pages: number | undefined]>([
  [
    "objects",
    Buffer.from("<</Type /Page>> <</Type/Page /Parent 1 0 R>> <</Type /Pages /Count 2>>"),
    2,
  ],
  ["an object stream", objectStream("<</Type /Page>> <</Type /Pages>> <</Type/Page>>"), 2],
  ["both", Buffer.concat([Buffer.from("<</Type /Page>>"), objectStream("<</Type /Page>>")]), 2],
  ["an encrypted object stream", objectStream("", Buffer.from("not deflated")), undefined],
  ["a stream without an end", Buffer.from("/ObjStm stream\nxx"), undefined],
  ["a stream far away", Buffer.from(`/ObjStm${" ".repeat(5_000)}stream\n`), undefined],
  ["nothing", Buffer.from(""), undefined],
])("in %s", async (_, bytes, pages) => {
  expect(await countPages(bytes)).toBe(pages as number);
});

test("a stream that inflates to very much is left out", async () => {
  const bomb = deflateSync(Buffer.alloc(64 * 1024 * 1024, "/Type /Page "), { level: 9 });
  expect(await countPages(objectStream("", bomb))).toBeUndefined();
});

test("a stream is counted once, however often its type stands before it", async () => {
  const types = Buffer.from("/ObjStm".repeat(50));
  expect(await countPages(Buffer.concat([types, objectStream("<</Type /Page>>")]))).toBe(1);
});

test.each([
  ["inflate to very much together", 0],
  ["break off", 20],
])("many streams that %s are given up", async (_, missing) => {
  const large = deflateSync(Buffer.alloc(12 * 1024 * 1024, "/Type /Page "), { level: 9 });
  const stream = objectStream("", large.subarray(0, large.length - missing));
  const document = Buffer.concat([
    Buffer.from("<</Type /Page>>"),
    ...Array<Buffer>(20).fill(stream),
  ]);
  expect(await countPages(document)).toBeUndefined();
});

test("other work goes on while a document is searched", async () => {
  let turns = 0;
  let isOver = false;
  const next = () => {
    turns += 1;
    if (!isOver) setImmediate(next);
  };
  next();
  await countPages(Buffer.from("/Type".repeat(400_000)));
  isOver = true;
  expect(turns).toBeGreaterThan(10);
});
