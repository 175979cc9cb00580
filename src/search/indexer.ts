// The worker that fills the index. One of all servers does it at a time; that two of them do it for a moment does no harm.
import type { Logger } from "pino";
import type { Sql } from "../database/connect.ts";
import type { Metrics } from "../observability/metrics/metrics.ts";
import { groupsOfParts, indexParts, isLong } from "./log-parts.ts";
import {
  addToProgress,
  findChatsBehind,
  holdWorkerLease,
  releaseWorkerLease,
} from "./worker-queries.ts";

/** Another server goes on within this after the worker was killed. */
const defaultLeaseMs = 1_500;
/** Chats of one pass, so that the lease is renewed between passes. */
const chatsMax = 2_000;

export interface IndexerParts {
  sql: Sql;
  log: Logger;
  metrics: Metrics;
  now: () => Date;
  lifecycle: { readonly closing: boolean };
}

export class SearchIndexer {
  /** A new one for each life of the process. */
  readonly #serverId = crypto.randomUUID();
  readonly #parts: IndexerParts;
  readonly #leaseMs: number;
  #isWorker = false;
  #lagMs = 0;

  constructor(parts: IndexerParts, leaseMs = defaultLeaseMs) {
    this.#parts = parts;
    this.#leaseMs = leaseMs;
  }

  /** The age of the oldest message of the last pass when it could be found, in milliseconds; 0 if there was none, or on other servers. */
  get lagMs(): number {
    return this.#lagMs;
  }

  /** Indexes everything that is not indexed, unless another server does. A server calls it about once a second. */
  async run(): Promise<void> {
    const { sql, lifecycle, metrics } = this.#parts;
    try {
      let lagMs = 0;
      while (!lifecycle.closing) {
        this.#isWorker = await holdWorkerLease(sql, this.#serverId, this.#leaseMs);
        if (!this.#isWorker) break;
        const pass = await this.#indexChats();
        lagMs = Math.max(lagMs, pass.lagMs);
        if (!pass.isMore) break;
        this.#lagMs = lagMs;
      }
      this.#lagMs = lagMs;
    } catch (error) {
      metrics.indexingFailed();
      throw error;
    }
  }

  /** Lets another server go on at once, or when the lease ends if the database is away. */
  async stop(): Promise<void> {
    if (!this.#isWorker) return;
    const { sql, log } = this.#parts;
    await releaseWorkerLease(sql, this.#serverId).catch((error: unknown) =>
      log.warn({ err: error }, "the search index stays this server's until its lease ends"),
    );
  }

  async #indexChats(): Promise<{ lagMs: number; isMore: boolean }> {
    const { sql, lifecycle, metrics, now } = this.#parts;
    const chats = await findChatsBehind(sql, chatsMax);
    const unknown = chats.filter(({ isKnown }) => !isKnown);
    if (unknown.length > 0) {
      await addToProgress(
        sql,
        unknown.map(({ chatId }) => chatId),
      );
    }
    let lagMs = 0;
    for (const parts of groupsOfParts(chats)) {
      if (lifecycle.closing) break;
      const { count, oldestMs } = await indexParts(sql, parts);
      metrics.messagesIndexed(count);
      if (oldestMs !== undefined) lagMs = Math.max(lagMs, now().getTime() - oldestMs);
    }
    return { lagMs, isMore: chats.length === chatsMax || chats.some(isLong) };
  }
}
