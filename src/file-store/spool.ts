// Files on their way to a bucket: they are on the disk until they have arrived, because the parts of many would fill memory.
import { mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "../wire/problems.ts";
import { diskProblem, writeAll } from "./disk.ts";
import { WritePace } from "./write-pace.ts";

/** Bytes of all files that are on their way: 64 files of 64 MB. */
const defaultBytesMax = 4 * 1024 ** 3;
const retryAfterSeconds = 5;

export class Spool {
  readonly #folder: string;
  readonly #bytesMax: number;
  readonly #hasNames: boolean;
  readonly #pace = new WritePace();
  #bytes = 0;

  /**
   * @param folder it is made with the first file
   * @param options tests have less bytes. On Linux a file needs no name to be read again from its beginning; elsewhere, `/dev/fd` shares the
   * place at which it was written.
   */
  constructor(
    folder: string,
    { bytesMax = defaultBytesMax, hasNames = process.platform !== "linux" } = {},
  ) {
    this.#folder = folder;
    this.#bytesMax = bytesMax;
    this.#hasNames = hasNames;
  }

  /**
   * Writes chunks to a file that is gone when `use` has ended. Where it has no name, it is gone with the process, too.
   * @throws Problem `unavailable` when too many bytes are on their way, `store_full`, and whatever the chunks or `use` throw
   */
  async hold<T>(
    chunks: AsyncIterable<Uint8Array>,
    use: (file: Bun.BunFile) => Promise<T>,
  ): Promise<T> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const path = join(this.#folder, `spooled-${crypto.randomUUID()}`);
    const file = await open(path, "wx+", 0o600);
    let size = 0;
    try {
      if (!this.#hasNames) await rm(path);
      for await (const chunk of chunks) {
        if (this.#bytes + chunk.length > this.#bytesMax) throw tooMany();
        size += chunk.length;
        this.#bytes += chunk.length;
        await writeAll(file, chunk, this.#pace);
      }
      return await use(Bun.file(this.#hasNames ? path : `/dev/fd/${file.fd}`));
    } catch (error) {
      throw diskProblem(error);
    } finally {
      this.#bytes -= size;
      await file.close();
      if (this.#hasNames) await rm(path, { force: true });
    }
  }
}

function tooMany(): Problem {
  return new Problem("unavailable", "Too many files are being stored. Try again soon.", {
    retryAfterSeconds,
  });
}
