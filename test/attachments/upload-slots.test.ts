// A few bodies are read at a time, and none waits for the end of another.
import { expect, test } from "bun:test";
import { UploadSlots } from "../../src/attachments/upload-slots.ts";

/** A body whose chunks are there at once. */
function bodyOf(chunks: number): ReadableStream<Uint8Array> {
  let left = chunks;
  return new ReadableStream({
    pull(controller) {
      if (left === 0) return controller.close();
      left -= 1;
      controller.enqueue(new Uint8Array(10));
    },
  });
}

test("a short body comes to its end while a long one goes on, and both come whole", async () => {
  const slots = new UploadSlots(1, -1);
  const ended: string[] = [];
  async function read(name: string, chunks: number) {
    let bytes = 0;
    for await (const chunk of slots.read(bodyOf(chunks))) bytes += chunk.length;
    ended.push(name);
    return bytes;
  }
  expect(await Promise.all([read("long", 500), read("short", 5)])).toEqual([5_000, 50]);
  expect(ended).toEqual(["short", "long"]);
});

test("a body that is given up leaves its slot to others", async () => {
  const slots = new UploadSlots(1);
  for await (const chunk of slots.read(bodyOf(9))) {
    expect(chunk.length).toBe(10);
    break;
  }
  let bytes = 0;
  for await (const chunk of slots.read(bodyOf(2))) bytes += chunk.length;
  expect(bytes).toBe(20);
});
