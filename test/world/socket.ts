import { z } from "zod";
import { expectClose, expectFrame, noteSent } from "./contract.ts";

/** For a machine that is busy with other things, too. */
const timeoutMs = 15_000;

export const Frame = z.looseObject({ type: z.string() });
export type Frame = z.infer<typeof Frame>;

/** @throws when it is not as the AsyncAPI document says */
export function readFrame(text: string): Frame {
  const frame = Frame.parse(JSON.parse(text));
  expectFrame(frame);
  return frame;
}

interface Wish {
  matches: (frame: Frame) => boolean;
  resolve: (frame: Frame) => void;
}

/** A client's end of a socket. Frames are kept in the order in which they came. */
export class TestSocket {
  readonly frames: Frame[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly opened: Promise<void>;
  readonly ws: WebSocket;
  private taken = 0;
  private wish: Wish | undefined;

  constructor(url: string, headers: Record<string, string> = {}) {
    this.ws = new WebSocket(url, { headers });
    const opened = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<{ code: number; reason: string }>();
    this.opened = opened.promise;
    this.closed = closed.promise;
    this.opened.catch(() => undefined);
    this.ws.onopen = () => opened.resolve();
    this.ws.onclose = ({ code, reason }) => {
      opened.reject(new Error(`closed with ${code} ${reason}`));
      closed.resolve({ code, reason });
      expectClose(code, reason);
    };
    this.ws.onmessage = ({ data }) => {
      this.frames.push(readFrame(String(data)));
      this.look();
    };
  }

  send(frame: object) {
    noteSent(frame);
    this.ws.send(JSON.stringify(frame));
  }

  /** The next frame of a type that was not returned before; frames in between are passed over. */
  next(type: string, more: Record<string, unknown> = {}): Promise<Frame> {
    const { promise, resolve, reject } = Promise.withResolvers<Frame>();
    const timer = setTimeout(() => {
      this.wish = undefined;
      const seen = this.frames.map((frame) => JSON.stringify(frame)).join("\n");
      reject(new Error(`no ${type} ${JSON.stringify(more)} came. What came:\n${seen}`));
    }, timeoutMs);
    this.wish = {
      matches: (frame) =>
        frame.type === type && Object.entries(more).every(([name, value]) => frame[name] === value),
      resolve: (frame) => {
        clearTimeout(timer);
        resolve(frame);
      },
    };
    this.look();
    return promise;
  }

  private look() {
    while (this.wish && this.taken < this.frames.length) {
      const frame = this.frames[this.taken];
      this.taken += 1;
      if (!frame || !this.wish.matches(frame)) continue;
      const { resolve } = this.wish;
      this.wish = undefined;
      resolve(frame);
    }
  }

  /** Sends a frame with a request id. @returns its one reply */
  async ask(frame: object): Promise<Frame> {
    const requestId = crypto.randomUUID();
    const { promise, resolve } = Promise.withResolvers<Frame>();
    const listener = ({ data }: MessageEvent) => {
      const reply = Frame.parse(JSON.parse(String(data)));
      if (reply.request_id === requestId) resolve(reply);
    };
    this.ws.addEventListener("message", listener);
    this.send({ ...frame, request_id: requestId });
    const timer = setTimeout(() => resolve({ type: "nothing" }), timeoutMs);
    const reply = await promise;
    clearTimeout(timer);
    this.ws.removeEventListener("message", listener);
    return reply;
  }

  /** Everything that was sent to this socket before now has come when this settles. */
  async settle(): Promise<void> {
    const { type } = await this.ask({ type: "ping" });
    if (type !== "pong") throw new Error(`the socket doesn't answer: ${type}`);
  }

  ofType(type: string): Frame[] {
    return this.frames.filter((frame) => frame.type === type);
  }

  async close(): Promise<void> {
    this.ws.close();
    await this.closed;
  }
}
