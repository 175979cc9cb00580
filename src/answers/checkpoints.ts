// Stores the text of a running answer and renews its lease about once a second, and learns of a stop that another server was
// asked for.
import type { Ctx, StopReason } from "../context.ts";
import { every, inTurn } from "../schedule.ts";
import type { Usage } from "../wire/messages.ts";
import type { Lease } from "./budget/queries.ts";
import { checkpointAnswer } from "./queries.ts";

const intervalMs = 1_000;

export interface CheckpointsParts {
  ctx: Pick<Ctx, "sql" | "log">;
  messageId: number;
  lease: Lease;
  /** The text that is stored. */
  keptText: string;
  /** The text and the usage so far. */
  read: () => { text: string; usage: Usage };
  stop: (reason: StopReason) => void;
}

export class Checkpoints {
  readonly #parts: CheckpointsParts;
  /** One after the other: an earlier text must not replace a later one. */
  readonly #store = inTurn(() => this.#storeNow());
  readonly #end: () => void;
  #stored: string;
  #isOver = false;

  /** The first checkpoint follows in a second. */
  constructor(parts: CheckpointsParts) {
    this.#parts = parts;
    this.#stored = parts.keptText;
    const name = `checkpoint of ${parts.messageId}`;
    this.#end = every(intervalMs, name, parts.ctx.log, () => this.#store());
  }

  /** Makes a checkpoint now, and with it looks for a stop. Never throws. */
  now(): void {
    if (this.#isOver) return;
    this.#store().catch((error: unknown) => {
      const { ctx, messageId } = this.#parts;
      ctx.log.warn({ err: error, messageId }, "a stop could not be looked for; it will be again");
    });
  }

  end(): void {
    this.#isOver = true;
    this.#end();
  }

  async #storeNow(): Promise<void> {
    if (this.#isOver) return;
    const { ctx, lease, read, stop } = this.#parts;
    const { text, usage } = read();
    const state = await checkpointAnswer(ctx.sql, lease, {
      text: text === this.#stored ? undefined : text,
      usage,
      leaseEnds: false,
    });
    if (!state?.has_message) return stop("abandoned");
    this.#stored = text;
    if (state.stop_requested) stop("stopped");
  }
}
