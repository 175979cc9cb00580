// A client of ClamAV's daemon (clamd(8), INSTREAM), by TCP or a socket of the file system. Each file has a connection of its own.
import { connect, type Socket } from "node:net";
import type { ScanAddress } from "../../config/file-settings.ts";

export type Verdict =
  | { outcome: "clean" }
  | { outcome: "infected"; signature: string }
  /** The daemon takes no file of this size (StreamMaxLength). */
  | { outcome: "too_large" };

/** Without a byte from the daemon, or to it, for so long, it counts as away. A scan of a large archive takes some seconds. */
const defaultTimeoutMs = 60_000;
const replyBytesMax = 4_096;

/**
 * Sends a file to the scanner while it is read.
 * @throws Error when the daemon cannot be reached, does not answer in time, or answers something else
 */
export async function scanWithClamd(
  address: ScanAddress,
  chunks: AsyncIterable<Uint8Array>,
  timeoutMs = defaultTimeoutMs,
): Promise<Verdict> {
  const socket = connect(address);
  const reply = readReply(socket, timeoutMs);
  // The daemon may answer, and close the connection, while bytes are still being sent: its answer counts.
  const sending = send(socket, chunks);
  sending.catch(() => {});
  try {
    const text = await reply;
    // An error that the chunks themselves have thrown is no failure of the daemon.
    return verdictOf(text);
  } finally {
    socket.destroy();
  }
}

async function send(socket: Socket, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    await write(socket, Buffer.from("zINSTREAM\0"));
    for await (const chunk of chunks) {
      if (socket.destroyed) return;
      if (chunk.length === 0) continue;
      const length = Buffer.alloc(4);
      length.writeUInt32BE(chunk.length);
      await write(socket, length);
      // The chunk is valid until the next one is requested.
      await write(socket, chunk.slice());
    }
    await write(socket, Buffer.alloc(4));
  } catch (error) {
    // Without its end, the daemon would answer that a part of the file is clean.
    socket.destroy(error instanceof Error ? error : undefined);
    throw error;
  }
}

function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

/** The text up to the zero byte. */
function readReply(socket: Socket, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    socket.setTimeout(timeoutMs, () => {
      socket.destroy(new Error("the scanner did not answer in time"));
    });
    socket.on("data", (data: Buffer) => {
      text += data.toString("latin1");
      const end = text.indexOf("\0");
      if (end >= 0) resolve(text.slice(0, end));
      else if (text.length > replyBytesMax) reject(new Error("the scanner's answer has no end"));
    });
    let failure: unknown;
    // An answer that came before the failure is still to be read.
    socket.on("error", (error) => {
      failure = error;
    });
    socket.on("close", () => reject(failure ?? new Error("the scanner closed the connection")));
  });
}

function verdictOf(reply: string): Verdict {
  const [, signature] = /^stream: (.+) FOUND$/.exec(reply) ?? [];
  if (signature !== undefined) return { outcome: "infected", signature: signature.slice(0, 200) };
  if (reply === "stream: OK") return { outcome: "clean" };
  if (/size limit exceeded/i.test(reply)) return { outcome: "too_large" };
  throw new Error(`the scanner answered: ${reply.slice(0, 200)}`);
}
