// The port to the store of files.

/** Bytes from `start` to `end`, which is excluded. */
export interface ByteRange {
  start: number;
  end: number;
}

/** The headers with which the store itself serves a file. */
export interface SignedOptions {
  mediaType: string;
  disposition: string;
}

/** Keeps files under keys that the server makes: letters, digits and dashes. */
export interface FileStore {
  /** A phrase for the start message. */
  readonly description: string;
  /** Writes, reads and removes a small file. @throws Error with a sentence for the operator */
  check(): Promise<void>;
  /**
   * Stores the chunks, each of which is valid until the next one is requested. The file is durable when it settles.
   * @throws Problem `store_full`, `unavailable`, and whatever the chunks throw; the file may exist in part then
   */
  write(key: string, chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /** Reads a file, or a range of it. @returns undefined if there is no such file */
  read(key: string, range?: ByteRange): Promise<ReadableStream<Uint8Array> | undefined>;
  /** Removes a file and what is left of an unfinished one. A file that does not exist is a success. */
  remove(key: string): Promise<void>;
  /** An address at which the store serves a file for 60 s; undefined if the server has to pass the file on. */
  signedUrl(key: string, options: SignedOptions): string | undefined;
}

/** All bytes of a file that is known to be small enough. @returns undefined if there is no such file */
export async function readWhole(
  store: FileStore,
  key: string,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const stream = await store.read(key);
  return stream && new Uint8Array(await new Response(stream).arrayBuffer());
}
