// Writing to the disk.
import { writeSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { Problem } from "../wire/problems.ts";
import type { WritePace } from "./write-pace.ts";

const fullCodes = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** A chunk is written before the event loop reads from the sockets again, because they would fill memory meanwhile. */
export async function writeAll(
  file: FileHandle,
  chunk: Uint8Array,
  pace: WritePace,
): Promise<void> {
  // A write may store less than it was given.
  for (let at = 0; at < chunk.length;) {
    at += pace.isSlow
      ? (await file.write(chunk, at)).bytesWritten
      : pace.timed(() => writeSync(file.fd, chunk, at));
  }
}

/** @returns `store_full` for an error of a disk without space, and any other error as it is */
export function diskProblem(error: unknown): unknown {
  if (!(error instanceof Error && "code" in error && fullCodes.has(String(error.code)))) {
    return error;
  }
  return new Problem("store_full", "There is no space left for files. Tell the operator.", {
    cause: error,
  });
}
