// A light client: a benchmark's own work must not hide the server's.
import { z } from "zod";

const Frame = z.looseObject({
  type: z.string(),
  request_id: z.union([z.string(), z.number()]).optional(),
});

export class Client {
  private readonly waiting = new Map<number, () => void>();
  private nextId = 0;
  onText: ((text: string) => void) | undefined;

  private constructor(readonly ws: WebSocket) {
    ws.onmessage = ({ data }) => {
      const text = String(data);
      this.onText?.(text);
      const at = text.lastIndexOf('"request_id":');
      if (at < 0) return;
      const id = Number.parseInt(text.slice(at + 13), 10);
      this.waiting.get(id)?.();
      this.waiting.delete(id);
    };
  }

  static open(url: string): Promise<Client> {
    const ws = new WebSocket(url);
    const client = new Client(ws);
    return new Promise((resolve, reject) => {
      ws.onopen = () => resolve(client);
      ws.onerror = () => reject(new Error("a socket could not be opened"));
    });
  }

  send(frame: object) {
    this.ws.send(JSON.stringify(frame));
  }

  /** Settles with the frame's one reply. */
  ask(frame: object): Promise<void> {
    this.nextId += 1;
    const id = this.nextId;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.waiting.set(id, resolve);
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

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
