// The program of the image process: it reads images from its standard input, and writes what it makes of them to its standard output.
// It has no secrets and no connections, ends with its server, and runs only on processors that nothing else uses.
import { readdirSync, writeFileSync } from "node:fs";
import { setPriority } from "node:os";
import { makeSquares, prepareImage } from "./decode.ts";
import { ImageRequest, PipeReader, type ImageReply } from "./pipe.ts";

const lowestPriority = 19;
const writtenAtOnce = 256 * 1024;

/** Linux has a priority for each thread, and gives that of a thread to those that it starts. */
function yieldToOthers(): void {
  try {
    for (const thread of readdirSync("/proc/self/task"))
      setPriority(Number(thread), lowestPriority);
    // Without memory, the kernel ends this process, and not the server.
    writeFileSync("/proc/self/oom_score_adj", "1000");
  } catch {
    // Another system, or a sandbox that forbids it.
    setPriority(lowestPriority);
  }
}

async function answer(request: ImageRequest, bytes: Uint8Array<ArrayBuffer>) {
  const { mediaType, task } = request;
  if (task === "squares") {
    const squares = await makeSquares(mediaType, bytes);
    const reply: ImageReply = { bareBytes: null, squares: squares?.map(({ length }) => length) };
    return { reply, parts: squares ?? [] };
  }
  const { parts, shown } = await prepareImage(mediaType, bytes);
  const thumbnails = shown?.thumbnails ?? [];
  const reply: ImageReply = {
    bareBytes: parts ? parts.reduce((sum, part) => sum + part.length, 0) : null,
    shown: shown && {
      ...shown,
      thumbnails: thumbnails.map(({ bytes: { length }, ...thumbnail }) => ({
        ...thumbnail,
        length,
      })),
    },
  };
  return { reply, parts: [...thumbnails.map((thumbnail) => thumbnail.bytes), ...(parts ?? [])] };
}

export async function runImageProgram(): Promise<void> {
  yieldToOthers();
  const reader = new PipeReader(Bun.stdin.stream());
  const writer = Bun.stdout.writer();
  for (let line = await reader.line(); line !== undefined; line = await reader.line()) {
    const request = ImageRequest.parse(JSON.parse(line));
    const answered = await answer(request, await reader.bytes(request.size)).catch(
      (error: unknown) => ({ reply: { error: String(error) } satisfies ImageReply, parts: [] }),
    );
    await writer.write(`${JSON.stringify(answered.reply)}\n`);
    for (const part of answered.parts) {
      for (let at = 0; at < part.length; at += writtenAtOnce) {
        await writer.write(part.subarray(at, at + writtenAtOnce));
        await writer.flush();
      }
    }
    await writer.flush();
    // The next image may be as large: the memory of this one is not kept beside it.
    Bun.gc(true);
  }
}

if (import.meta.main) await runImageProgram();
