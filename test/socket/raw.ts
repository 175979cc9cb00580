// A WebSocket client by hand on a bare TCP connection: it can stop reading, and answers pings only when told to.
import { connect, type Socket } from "node:net";
import { expectClose } from "../world/contract.ts";
import { readFrame, type Frame } from "../world/socket.ts";

const timeoutMs = 10_000;
const text = 0x1;
const close = 0x8;
const ping = 0x9;
const pong = 0xa;

interface Wish {
  matches: (frame: Frame) => boolean;
  resolve: () => void;
}

export class RawSocket {
  readonly frames: Frame[] = [];
  /** Code and reason of the server's close frame; undefined when the connection ended without one. */
  readonly closed: Promise<{ code: number; reason: string } | undefined>;
  private buffer = Buffer.alloc(0);
  private closing: { code: number; reason: string } | undefined;
  private readonly wishes = new Set<Wish>();

  private constructor(private readonly tcp: Socket) {
    this.closed = new Promise((resolve) => tcp.on("close", () => resolve(this.closing)));
    tcp.on("error", () => undefined);
    tcp.on("data", (data: Buffer) => {
      this.buffer = Buffer.concat([this.buffer, data]);
      for (let frame = takeFrame(this.buffer); frame; frame = takeFrame(this.buffer)) {
        this.buffer = this.buffer.subarray(frame.length);
        const { opcode, payload } = frame;
        if (opcode === text) this.take(readFrame(payload.toString()));
        if (opcode === ping) this.take({ type: "ping of the protocol" });
        if (opcode === close) {
          this.closing = { code: payload.readUInt16BE(0), reason: payload.toString("utf8", 2) };
          expectClose(this.closing.code, this.closing.reason);
        }
      }
    });
  }

  /** @param url as any WebSocket client is given it */
  static async open(url: string): Promise<RawSocket> {
    const { host, hostname, port, pathname, search } = new URL(url);
    const tcp = connect(Number(port), hostname);
    tcp.write(
      `GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n",
    );
    const { promise: opened, resolve, reject } = Promise.withResolvers<void>();
    let answer = Buffer.alloc(0);
    tcp.on("error", reject);
    tcp.on("data", function read(data: Buffer) {
      answer = Buffer.concat([answer, data]);
      const end = answer.indexOf("\r\n\r\n");
      if (end < 0) return;
      tcp.off("data", read);
      tcp.pause();
      if (answer.length > end + 4) tcp.unshift(answer.subarray(end + 4));
      if (answer.toString("latin1").startsWith("HTTP/1.1 101 ")) resolve();
      else reject(new Error(answer.toString()));
    });
    await opened;
    const socket = new RawSocket(tcp);
    tcp.resume();
    return socket;
  }

  /** Sends them in one piece: the server finds all of them in one read. */
  send(...frames: object[]) {
    this.tcp.write(
      Buffer.concat(frames.map((frame) => clientFrame(Buffer.from(JSON.stringify(frame))))),
    );
  }

  /** Bytes as they are, whatever they make of the protocol. */
  write(bytes: Uint8Array) {
    this.tcp.write(bytes);
  }

  /** Answers the server's ping. */
  pong() {
    this.tcp.write(Buffer.from([0x80 | pong, 0x80, 0, 0, 0, 0]));
  }

  /** Reads nothing from now on: what the server sends piles up on its side. */
  pause() {
    this.tcp.pause();
  }

  resume() {
    this.tcp.resume();
  }

  /** Ends the connection without a word. */
  async destroy() {
    this.tcp.destroy();
    await this.closed;
  }

  /** Settles once such a frame has come. */
  async until(type: string, more: Record<string, unknown> = {}): Promise<void> {
    const matches = (frame: Frame) =>
      frame.type === type && Object.entries(more).every(([name, value]) => frame[name] === value);
    if (this.frames.some(matches)) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const wish = { matches, resolve };
    this.wishes.add(wish);
    const timer = setTimeout(() => {
      reject(new Error(`no ${type} ${JSON.stringify(more)} among ${this.frames.length} frames`));
    }, timeoutMs);
    try {
      await Promise.race([promise, this.closed.then(() => reject(new Error("closed")))]);
    } finally {
      clearTimeout(timer);
      this.wishes.delete(wish);
    }
  }

  private take(frame: Frame) {
    this.frames.push(frame);
    for (const wish of this.wishes) if (wish.matches(frame)) wish.resolve();
  }
}

/** How a frame differs from a whole, masked text. */
interface FrameParts {
  opcode?: number;
  /** Whether it is a message's last one. */
  isLast?: boolean;
  /** RFC 6455 §5.2's reserved bits, where they stand in the first byte. */
  reserved?: number;
  isMasked?: boolean;
  /** The length that the frame claims to have; that of the payload unless said otherwise. */
  length?: number;
}

/** RFC 6455 §5.2: a client's frames are masked; this mask changes nothing. */
export function clientFrame(payload: Uint8Array, parts: FrameParts = {}): Buffer {
  const { opcode = text, isLast = true, reserved = 0, isMasked = true } = parts;
  const { length = payload.length } = parts;
  const head = Buffer.alloc(length < 126 ? 2 : length < 2 ** 16 ? 4 : 10);
  const maskBit = isMasked ? 0x80 : 0;
  head[0] = (isLast ? 0x80 : 0) | reserved | opcode;
  head[1] = maskBit | (length < 126 ? length : length < 2 ** 16 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, Buffer.alloc(isMasked ? 4 : 0), payload]);
}

function takeFrame(buffer: Buffer) {
  if (buffer.length < 2) return undefined;
  const short = buffer.readUInt8(1);
  const headLength = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (buffer.length < headLength) return undefined;
  const payloadLength =
    short < 126
      ? short
      : short === 126
        ? buffer.readUInt16BE(2)
        : Number(buffer.readBigUInt64BE(2));
  const length = headLength + payloadLength;
  if (buffer.length < length) return undefined;
  return {
    opcode: buffer.readUInt8(0) & 0x0f,
    payload: buffer.subarray(headLength, length),
    length,
  };
}
