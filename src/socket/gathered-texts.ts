// Texts that go to many sockets one after another: each socket gets its own with one write, which is a system call.
import type { Metrics } from "../observability/metrics/metrics.ts";
import { writeText } from "./sending.ts";
import type { Socket } from "./session.ts";

export class GatheredTexts {
  readonly #metrics: Pick<Metrics, "frameDropped">;
  /** Undefined unless texts are being gathered. */
  #texts: Map<Socket, string[]> | undefined;

  constructor(metrics: Pick<Metrics, "frameDropped">) {
    this.#metrics = metrics;
  }

  /** Gathers the texts that are written during `work`, and sends them after it. */
  together(work: () => void): void {
    const texts = new Map<Socket, string[]>();
    this.#texts = texts;
    try {
      work();
    } finally {
      this.#texts = undefined;
      for (const [ws, ofSocket] of texts) this.#send(ws, ofSocket);
    }
  }

  write(ws: Socket, text: string): void {
    if (this.#texts) this.#texts.getOrInsertComputed(ws, () => []).push(text);
    else writeText(ws, this.#metrics, text);
  }

  #send(ws: Socket, texts: readonly string[]): void {
    ws.cork(() => {
      for (const text of texts) writeText(ws, this.#metrics, text);
    });
  }
}
