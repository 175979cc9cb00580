import type { ClientFrame } from "../wire/client-frames.ts";
import type { ServerFrame } from "../wire/server-frames.ts";
import { Timer } from "./timer.ts";

/** A frame without its request id. */
export type Sendable = ClientFrame extends infer F
  ? F extends ClientFrame
    ? Omit<F, "request_id">
    : never
  : never;

/** Called once: with the reply, or with nothing if the socket was lost before it came, or it did not come in time. */
export type Replied = (reply: ServerFrame | undefined) => void;

/** Matches replies to the frames that asked for them, by request id. A room has at most two requests in flight. */
export class Requests {
  readonly #inFlight = new Map<number, { replied: Replied; timer: Timer }>();
  readonly #post: (frame: Sendable & { request_id: number }) => void;
  #lastId = 0;

  constructor(post: (frame: Sendable & { request_id: number }) => void) {
    this.#post = post;
  }

  send(frame: Sendable, timeoutMs: number, replied: Replied): void {
    this.#lastId += 1;
    const id = this.#lastId;
    const timer = new Timer();
    timer.set(timeoutMs, () => this.#end(id));
    this.#inFlight.set(id, { replied, timer });
    this.#post({ ...frame, request_id: id });
  }

  /** @returns whether the frame is a reply, including a reply to a request that has timed out */
  receive(frame: ServerFrame): boolean {
    const id = "request_id" in frame ? frame.request_id : undefined;
    if (typeof id === "number") this.#end(id, frame);
    return id != null;
  }

  /** Ends every request without a reply: the socket is lost. */
  abort(): void {
    for (const id of [...this.#inFlight.keys()]) this.#end(id);
  }

  #end(id: number, reply?: ServerFrame) {
    const request = this.#inFlight.get(id);
    this.#inFlight.delete(id);
    request?.timer.clear();
    request?.replied(reply);
  }
}
