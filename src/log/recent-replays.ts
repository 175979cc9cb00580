// Replays that were read a moment ago. After a restart, the people of a room come back with the same number, and have missed the
// same messages: writing these is most of the database's work for a join.

/** Names of authors and the text of an answer that streams change without a number: they may be so old. */
const keptMs = 2_000;
const replaysMax = 2_000;
/** UTF-16 units of all frames together, and of those of one replay. */
const unitsMax = 8 * 1024 * 1024;
const unitsOfReplayMax = 64 * 1024;

/** The part of a chat that follows from its log and the number from which it is read. */
export interface Replay {
  /** The chat's newest number at the time of reading. */
  lastSeq: number;
  /** See `superseded` of the frame `joined`; undefined without a replay. */
  superseded: number | undefined;
  /** The missed messages as `message` frames, in the order of `updated_seq`; undefined if they are too many or too large. */
  frames: string[] | undefined;
}

interface Kept {
  readonly replay: Replay;
  readonly readAtMs: number;
  readonly units: number;
}

export class RecentReplays {
  /** The replays that are kept by chat and number, oldest first. */
  readonly #kept = new Map<string, Kept>();
  #units = 0;

  /** Finds a replay of the log up to its `lastSeq`. It holds as long as the log reaches no further. */
  find(chatId: number, afterSeq: number, nowMs: number): Replay | undefined {
    const kept = this.#kept.get(keyOf(chatId, afterSeq));
    return kept && nowMs - kept.readAtMs < keptMs ? kept.replay : undefined;
  }

  /** @param readAtMs when its reading began, on the clock of {@link find} */
  remember(chatId: number, afterSeq: number, replay: Replay, readAtMs: number): void {
    const units = replay.frames?.reduce((sum, frame) => sum + frame.length, 0) ?? 0;
    if (units === 0 || units > unitsOfReplayMax) return;
    const key = keyOf(chatId, afterSeq);
    this.#forget(key);
    this.#kept.set(key, { replay, readAtMs, units });
    this.#units += units;
    for (const [oldest, kept] of this.#kept) {
      const isOver = this.#kept.size > replaysMax || this.#units > unitsMax;
      if (!isOver && readAtMs - kept.readAtMs < keptMs) break;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    this.#units -= this.#kept.get(key)?.units ?? 0;
    this.#kept.delete(key);
  }
}

const keyOf = (chatId: number, afterSeq: number) => `${chatId} ${afterSeq}`;
