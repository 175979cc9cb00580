// The call that makes an answer. It may begin before its question is stored: what the model sends until then is kept.
import type { Delta } from "../model/stream-answer.ts";
import type { Usage } from "../wire/messages.ts";
import type { Lease } from "./budget/queries.ts";
import { UsageMeter } from "./budget/usage-meter.ts";
import type { AnswerRun, PreparedAnswer, StoredAnswer } from "./responder.ts";

export interface CallOptions {
  lease: Lease;
  reservedTokens: number;
  /** See {@link AnswerRun}. */
  keptText?: string;
  /** The usage of servers that had begun the same answer and died. */
  usageBefore?: Usage | undefined;
}

export class AnswerCall implements AnswerRun {
  readonly lease: Lease;
  readonly reservedTokens: number;
  readonly keptText: string;
  readonly meter: UsageMeter;
  readonly #prepared: PreparedAnswer;
  readonly #abort = new AbortController();
  readonly #stored = Promise.withResolvers<StoredAnswer | undefined>();
  #begun:
    { at: number; deltas: AsyncIterator<Delta>; first: Promise<IteratorResult<Delta>> } | undefined;

  constructor(
    prepared: PreparedAnswer,
    { lease, reservedTokens, keptText = "", usageBefore }: CallOptions,
  ) {
    this.#prepared = prepared;
    this.lease = lease;
    this.reservedTokens = reservedTokens;
    this.keptText = keptText;
    this.meter = new UsageMeter(usageBefore);
  }

  get prepared(): PreparedAnswer {
    return this.#prepared;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get stored(): Promise<StoredAnswer | undefined> {
    return this.#stored.promise;
  }

  /** Begins the call, if it has not begun. @returns the time of its beginning, as `performance.now()` has it */
  begin(): number {
    return this.#begin().at;
  }

  noteStored(stored: StoredAnswer): void {
    this.#stored.resolve(stored);
  }

  /** Ends the call, which may not have begun. */
  abort(): void {
    this.#abort.abort();
  }

  /** Ends the call of an answer that could not be stored. @returns the usage of a call that had begun */
  discard(): Usage | undefined {
    this.#stored.resolve(undefined);
    this.abort();
    if (!this.#begun) return undefined;
    void this.#begun.deltas.return?.().catch(() => undefined);
    return this.meter.charged;
  }

  /** Everything that the call brings, from its beginning. It can be read once. */
  async *deltas(): AsyncGenerator<Delta> {
    const { deltas, first } = this.#begin();
    try {
      // Text that came before the answer was stopped is not shown afterwards.
      this.signal.throwIfAborted();
      for (let next = await first; next.done !== true; next = await deltas.next()) {
        yield next.value;
      }
    } finally {
      await deltas.return?.();
    }
  }

  #begin() {
    if (this.#begun) return this.#begun;
    const deltas = this.#prepared.stream(this)[Symbol.asyncIterator]();
    const first = deltas.next();
    // The reader learns of a failure, who may come later or never.
    first.catch(() => undefined);
    this.#begun = { at: performance.now(), deltas, first };
    return this.#begun;
  }
}
