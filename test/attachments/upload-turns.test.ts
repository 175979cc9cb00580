import { expect, test } from "bun:test";
import { inTurns, UploadTurns } from "../../src/attachments/upload-turns.ts";

const chunkBytes = 10;

/** A body whose chunks are there at once. */
function bodyOf(chunks: number, onCancel = () => {}): ReadableStream<Uint8Array> {
  let left = chunks;
  return new ReadableStream({
    pull(controller) {
      if (left === 0) return controller.close();
      left -= 1;
      controller.enqueue(new Uint8Array(chunkBytes));
    },
    cancel: onCancel,
  });
}

/** @returns the chunks that each body had when the first turn of the event loop was over, and in all */
async function readAll(turns: UploadTurns, bodies: number, chunks: number) {
  const counts = Array.from({ length: bodies }, () => 0);
  const { promise: isOver, resolve } = Promise.withResolvers<void>();
  const reading = counts.map(async (_, n) => {
    for await (const _chunk of turns.read(bodyOf(chunks))) counts[n] = (counts[n] ?? 0) + 1;
  });
  // It is called before those of the turns themselves, which begin with the first chunk.
  setImmediate(resolve);
  await isOver;
  const first = counts.reduce((sum, count) => sum + count, 0);
  await Promise.all(reading);
  return { first, counts };
}

test("bodies wait for the next turn of the event loop, and all are read", async () => {
  const turns = new UploadTurns({ turnBytes: 2 * chunkBytes, waitingMax: 3 });
  const { first, counts } = await readAll(turns, 3, 50);
  // Each had begun to read before the first had taken a chunk.
  expect(first).toBeLessThanOrEqual(4);
  expect(counts).toEqual([50, 50, 50]);
});

test("a chunk that is there at once is taken in pieces, each in a turn of the event loop", async () => {
  const whole = new Uint8Array(5 * chunkBytes).map((_, at) => at);
  let turns = 0;
  const count = () => {
    turns += 1;
    if (turns < 100) setImmediate(count);
  };
  setImmediate(count);
  const pieces: Uint8Array[] = [];
  const turnsBefore: number[] = [];
  for await (const piece of inTurns(new Response(whole).body ?? bodyOf(0), 2 * chunkBytes)) {
    pieces.push(piece);
    turnsBefore.push(turns);
  }
  expect(pieces.map(({ length }) => length)).toEqual(
    [2, 2, 1].map((chunks) => chunks * chunkBytes),
  );
  expect(Buffer.concat(pieces)).toEqual(Buffer.from(whole));
  expect(new Set(turnsBefore).size).toBe(3);
});

test("when too many bodies would wait, none waits", async () => {
  const turns = new UploadTurns({ turnBytes: 2 * chunkBytes, waitingMax: 3 });
  const { first, counts } = await readAll(turns, 4, 50);
  expect(first).toBe(200);
  expect(counts).toEqual([50, 50, 50, 50]);
});

test("bodies that wait go on in the same turn of the event loop when too many come", async () => {
  const turns = new UploadTurns({ turnBytes: chunkBytes, waitingMax: 3 });
  const read = async (n: number, counts: number[]) => {
    for await (const _chunk of turns.read(bodyOf(50))) counts[n] = (counts[n] ?? 0) + 1;
  };
  const counts: number[] = [];
  const early = [0, 1, 2].map((n) => read(n, counts));
  // Long enough for all three to wait for the next turn, which comes later than any promise.
  for (let n = 0; n < 100; n += 1) await Promise.resolve();
  expect(Math.max(...counts)).toBeLessThan(5);
  const late = read(3, counts);
  for (let n = 0; n < 2_000; n += 1) await Promise.resolve();
  expect(counts).toEqual([50, 50, 50, 50]);
  await Promise.all([...early, late]);
});

test("bodies do not wait for one whose client is slow", async () => {
  const turns = new UploadTurns({ turnBytes: 1, waitingMax: 3 });
  const { promise: isEnded, resolve: end } = Promise.withResolvers<void>();
  let began = false;
  const slow = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (began) {
        await isEnded;
        return controller.close();
      }
      began = true;
      controller.enqueue(new Uint8Array(chunkBytes));
    },
  });
  const slowReading = Array.fromAsync(turns.read(slow));
  await Promise.all([1, 2].map(() => Array.fromAsync(turns.read(bodyOf(9)))));
  end();
  expect(await slowReading).toHaveLength(1);
});

test("a chunk is released when the next one is requested", async () => {
  const seen: Uint8Array[] = [];
  for await (const chunk of new UploadTurns().read(bodyOf(3))) {
    expect(chunk.length).toBe(chunkBytes);
    seen.push(chunk);
  }
  expect(seen.map(({ length }) => length)).toEqual([0, 0, 0]);
});

test("a body that is given up is cancelled, and others go on", async () => {
  const turns = new UploadTurns({ turnBytes: 1, waitingMax: 1 });
  const { promise: isCancelled, resolve } = Promise.withResolvers<void>();
  for await (const chunk of turns.read(bodyOf(9, resolve))) {
    expect(chunk.length).toBe(chunkBytes);
    break;
  }
  await isCancelled;
  let bytes = 0;
  for await (const chunk of turns.read(bodyOf(2))) bytes += chunk.length;
  expect(bytes).toBe(2 * chunkBytes);
});
