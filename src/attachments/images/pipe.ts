// The form of what a server and its image process tell each other through pipes: a line of JSON, then the bytes that it announces.
import { z } from "zod";
import { thumbnailSizes } from "../../wire/attachments.ts";

/** The argument with which the compiled program is the process for images. */
export const imageCommand = "prepare-images";

/** A line above it is no line of this program. */
const lineBytesMax = 64 * 1024;
const count = z.number().int().min(0);

/** A request, followed by `size` bytes. */
export const ImageRequest = z.object({
  task: z.enum(["prepare", "squares"]),
  mediaType: z.string(),
  size: count,
});
export type ImageRequest = z.infer<typeof ImageRequest>;

/** A reply, followed by the bytes of its thumbnails or squares, and those of the image without its metadata. */
export const ImageReply = z.union([
  z.object({
    /** Bytes of the image without its metadata; null if it is as it was. */
    bareBytes: count.nullable(),
    /** Bytes of each square. */
    squares: z.array(count).optional(),
    shown: z
      .object({
        width: count,
        height: count,
        blur: z.string().optional(),
        thumbnails: z.array(
          z.object({
            size: z.literal(thumbnailSizes),
            width: count,
            height: count,
            length: count,
          }),
        ),
      })
      .optional(),
  }),
  /** An error of the program, such as one of memory. */
  z.object({ error: z.string() }),
]);
export type ImageReply = z.infer<typeof ImageReply>;

/** The other side has ended before the end of what it announced. */
export class PipeEnded extends Error {
  constructor() {
    super("the pipe has ended");
    this.name = "PipeEnded";
  }
}

/** Reads lines and bytes, and no further than it is asked for. */
export class PipeReader {
  readonly #reader: {
    read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
    releaseLock(): void;
  };
  #rest: Uint8Array = new Uint8Array();

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** @returns undefined at the end @throws PipeEnded in the middle of a line */
  async line(): Promise<string | undefined> {
    let line = Buffer.alloc(0);
    for (;;) {
      const end = this.#rest.indexOf(0x0a);
      if (end >= 0) {
        line = Buffer.concat([line, this.#rest.subarray(0, end)]);
        this.#rest = this.#rest.subarray(end + 1);
        return line.toString();
      }
      line = Buffer.concat([line, this.#rest]);
      this.#rest = new Uint8Array();
      if (line.length > lineBytesMax) throw new Error("a line is too long");
      if (await this.#fill()) continue;
      if (line.length > 0) throw new PipeEnded();
      return undefined;
    }
  }

  /** The next bytes, in chunks. All have to be taken before anything else is read. @throws PipeEnded */
  async *chunks(length: number): AsyncGenerator<Uint8Array, void> {
    for (let left = length; left > 0;) {
      if (this.#rest.length === 0 && !(await this.#fill())) throw new PipeEnded();
      const chunk = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(chunk.length);
      left -= chunk.length;
      yield chunk;
    }
  }

  /** @throws PipeEnded */
  async bytes(length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length);
    let at = 0;
    for await (const chunk of this.chunks(length)) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }

  /** Lets go of the stream, whose open read would keep the program running. */
  release(): void {
    this.#reader.releaseLock();
  }

  async #fill(): Promise<boolean> {
    const { done, value } = await this.#reader.read();
    if (done || !value) return false;
    this.#rest = value;
    return true;
  }
}
