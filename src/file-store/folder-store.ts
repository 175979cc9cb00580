// Files in a folder. A key's first characters are the names of two levels of folders, so that none has too many entries.
import { mkdir, open, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { diskProblem, writeAll } from "./disk.ts";
import type { ByteRange, FileStore } from "./file-store.ts";
import { WritePace } from "./write-pace.ts";

export class FolderStore implements FileStore {
  readonly #folder: string;
  readonly #pace = new WritePace();

  /** @param folder it is made with the first file */
  constructor(folder: string) {
    this.#folder = folder;
  }

  get description(): string {
    return `files in ${this.#folder}`;
  }

  async check(): Promise<void> {
    const key = `check-${crypto.randomUUID()}`;
    try {
      await this.#write(key, [new Uint8Array([1])]);
      await this.remove(key);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      throw new Error(
        `Files cannot be kept in ${this.#folder} (FILES_DIR, or else files in DATA_DIR), make it writable: ${detail}`,
        { cause: error },
      );
    }
  }

  async write(key: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      await this.#write(key, chunks);
    } catch (error) {
      throw diskProblem(error);
    }
  }

  async read(key: string, range?: ByteRange): Promise<ReadableStream<Uint8Array> | undefined> {
    const file = Bun.file(this.#pathOf(key));
    if (!(await file.exists())) return undefined;
    return (range ? file.slice(range.start, range.end) : file).stream();
  }

  async remove(key: string): Promise<void> {
    await rm(this.#pathOf(key), { force: true });
  }

  signedUrl(): undefined {
    return undefined;
  }

  /** The folders are synchronised, too: after a loss of power a file without its entry would be lost. */
  async #write(
    key: string,
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<void> {
    const path = this.#pathOf(key);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(path, "wx", 0o600);
    try {
      for await (const chunk of chunks) await writeAll(file, chunk, this.#pace);
      await file.sync();
    } finally {
      await file.close();
    }
    for (let folder = dirname(path); folder.length >= this.#folder.length; folder = dirname(folder))
      await syncFolder(folder);
  }

  #pathOf(key: string): string {
    if (!/^[\da-z-]+$/.test(key)) throw new Error("a key of a file has letters, digits and dashes");
    return join(this.#folder, key.slice(0, 2), key.slice(2, 4), key);
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
