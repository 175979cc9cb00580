import type { Socket } from "node:net";
import { chooseFault, type Direction, type FaultCounts, type SocketFaults } from "./faults.ts";
import { MessageReader, type WebSocketMessage } from "./frames.ts";
import type { Random } from "./random.ts";

/** The largest size of a request's head in bytes. */
const headBytesMax = 64 * 1024;
const endOfHead = "\r\n\r\n";

export interface LinkOptions {
  client: Socket;
  upstream: Socket;
  random: Random;
  counts: FaultCounts;
  /** The faults that happen at the moment. */
  faults: () => SocketFaults;
  onEnd: () => void;
}

/** A client's connection and the one to the server that belongs to it. */
export class Link {
  readonly #options: LinkOptions;
  #isWebSocket = false;
  #isFrozen = false;

  constructor(options: LinkOptions) {
    const { client, upstream } = options;
    this.#options = options;
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on("error", this.cut);
    }
    client.on("close", this.cut);
    readHead(client, (head, rest) => this.#begin(head, rest));
  }

  /** Known from the first request on: clients do not upgrade a connection that they have used. */
  get isWebSocket(): boolean {
    return this.#isWebSocket;
  }

  /** Breaks both connections without a close frame. */
  readonly cut = (): void => {
    this.#options.onEnd();
    this.#options.client.destroy();
    this.#options.upstream.destroy();
  };

  /** Passes nothing any more, without closing the connections. */
  freeze(): void {
    this.#isFrozen = true;
  }

  #begin(head: string, rest: Buffer) {
    const { client, upstream, random } = this.#options;
    this.#isWebSocket = /^upgrade: *websocket/im.test(head);
    if (!this.#isWebSocket) {
      upstream.write(head, "latin1");
      upstream.write(rest);
      pipe(client, upstream);
      pipe(upstream, client);
      return;
    }
    // A compressed message depends on those before it. Without the extension, each message can be lost alone.
    upstream.write(head.replace(/^sec-websocket-extensions:.*\r\n/gim, ""), "latin1");
    this.#pass(client, upstream, "up", random.fork("up"), rest);
    readHead(upstream, (response, first) => {
      client.write(response, "latin1");
      this.#pass(upstream, client, "down", random.fork("down"), first);
    });
  }

  #pass(from: Socket, to: Socket, direction: Direction, random: Random, first: Buffer) {
    const reader = new MessageReader();
    const write = (bytes: Buffer) => {
      if (!this.#isFrozen) passOn(from, to, bytes);
    };
    // Messages stay in order while one of them is delayed.
    let sending = Promise.resolve();
    const read = (bytes: Buffer) => {
      for (const message of reader.take(bytes)) {
        sending = this.#send(message, direction, random, write, sending);
      }
    };
    read(first);
    from.on("data", read);
    from.on("end", () => void sending.then(() => to.end()));
    from.on("close", () => void sending.then(this.cut));
  }

  /** @returns a promise that settles when the next message may be sent */
  #send(
    { bytes, text }: WebSocketMessage,
    direction: Direction,
    random: Random,
    write: (bytes: Buffer) => void,
    previous: Promise<void>,
  ): Promise<void> {
    const { counts } = this.#options;
    const faults = this.#options.faults();
    const fault = text === undefined ? undefined : chooseFault(faults, random, text, direction);
    if (fault) counts[fault] += 1;
    const ms = random.int(1, Math.max(faults.delayMsMax, 1));
    if (fault === "drop") return previous;
    if (fault === "reorder") {
      setTimeout(() => write(bytes), ms);
      return previous;
    }
    if (fault === "cut") {
      const arrives = random.chance(0.5);
      return previous.then(() => {
        if (arrives) write(bytes);
        // The bytes that were written have to leave the process first.
        setTimeout(this.cut, 1);
      });
    }
    return previous.then(async () => {
      if (fault === "delay") await new Promise((resolve) => setTimeout(resolve, ms));
      write(bytes);
      if (fault === "double") write(bytes);
    });
  }
}

/** Writes bytes, and stops reading while the receiver does not read. */
function passOn(from: Socket, to: Socket, bytes: Buffer) {
  if (to.destroyed || to.write(bytes)) return;
  from.pause();
  to.once("drain", () => from.resume());
}

function pipe(from: Socket, to: Socket) {
  from.on("data", (bytes: Buffer) => passOn(from, to, bytes));
  from.on("end", () => to.end());
  from.on("close", () => to.destroy());
}

/** Calls `onHead` once, with the head of the first message and the bytes that were received behind it. */
function readHead(socket: Socket, onHead: (head: string, rest: Buffer) => void) {
  let bytes: Buffer = Buffer.alloc(0);
  const read = (more: Buffer) => {
    bytes = Buffer.concat([bytes, more]);
    const end = bytes.indexOf(endOfHead);
    if (end === -1) return void (bytes.length > headBytesMax && socket.destroy());
    socket.off("data", read);
    const after = end + endOfHead.length;
    onHead(bytes.toString("latin1", 0, after), bytes.subarray(after));
  };
  socket.on("data", read);
}
