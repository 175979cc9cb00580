// A light client: a benchmark's own work must not hide the server's.
import { z } from "zod";

const Frame = z.looseObject({
  type: z.string(),
  request_id: z.union([z.string(), z.number()]).optional(),
});

interface Waiting {
  resolve(reply: string): void;
  reject(error: Error): void;
}

export class Client {
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;
  onText: ((text: string) => void) | undefined;

  private constructor(readonly ws: WebSocket) {
    ws.onmessage = ({ data }) => this.#receive(String(data));
    ws.onclose = ({ code, reason }) => this.#end(code, reason);
  }

  /** @throws Error if the server does not accept the socket */
  static open(url: string): Promise<Client> {
    const ws = new WebSocket(url);
    const client = new Client(ws);
    return new Promise((resolve, reject) => {
      ws.onopen = () => resolve(client);
      ws.onerror = () => reject(new Error("a socket could not be opened"));
    });
  }

  #receive(text: string) {
    this.onText?.(text);
    const at = text.lastIndexOf('"request_id":');
    if (at < 0) return;
    const id = Number.parseInt(text.slice(at + 13), 10);
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (text.startsWith('{"type":"error"')) waiting?.reject(new Error(text));
    else waiting?.resolve(text);
  }

  #end(code: number, reason: string) {
    for (const { reject } of this.#waiting.values()) {
      reject(new Error(`a socket was closed with ${code} ${reason}`));
    }
    this.#waiting.clear();
  }

  send(frame: object) {
    this.ws.send(JSON.stringify(frame));
  }

  /**
   * Settles with the frame's one reply.
   * @throws Error for a reply that is an error, or if the socket is closed before
   */
  ask(frame: object): Promise<string> {
    this.#nextId += 1;
    const id = this.#nextId;
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#waiting.set(id, { resolve, reject });
    this.send({ ...frame, request_id: id });
    return promise;
  }

  close(): Promise<void> {
    if (this.ws.readyState === WebSocket.CLOSED) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ws.onclose = () => resolve();
    this.ws.close();
    return promise;
  }
}

export async function closeAll(clients: readonly Client[]): Promise<void> {
  await Promise.all(clients.map((client) => client.close()));
}

export function parseFrame(text: string) {
  return Frame.parse(JSON.parse(text));
}

/** Runs `work` for every number below `count`, `width` at a time. */
export async function inParallel(
  count: number,
  width: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lanes = Array.from({ length: Math.min(width, count) }, async () => {
    for (let index = next++; index < count; index = next++) await work(index);
  });
  await Promise.all(lanes);
}

/** The value below which a share of the values lies, between two of them if necessary. NaN without values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}
