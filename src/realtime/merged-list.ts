// Shows the messages of a room to merged sockets that follow the chat and have not joined it, each once.
import type { NumberedFrame } from "../wire/numbered-frames.ts";
import type { RoomParts } from "./listener.ts";
import { activityTopic, type Topic } from "./topics.ts";

export class MergedList {
  readonly #topic: Topic;
  readonly #parts: Pick<RoomParts, "mergedSockets" | "toFollowers">;
  /** Frames that came before the room's start, when they were shown. */
  readonly #early = new Set<NumberedFrame>();

  constructor(chatId: number, parts: Pick<RoomParts, "mergedSockets" | "toFollowers">) {
    this.#topic = activityTopic(chatId);
    this.#parts = parts;
  }

  /** Shows a frame before its turn. */
  showEarly(frame: NumberedFrame): void {
    if (!frame.isListed) return;
    this.#early.add(frame);
    this.show(frame);
  }

  /** Shows a frame in its turn, unless it was shown before. */
  showInTurn(frame: NumberedFrame): void {
    if (!this.#early.delete(frame)) this.show(frame);
  }

  /** Forgets frames that do not get a turn any more. */
  forgetUpTo(seq: number): void {
    for (const frame of this.#early) if (frame.seq <= seq) this.#early.delete(frame);
  }

  show(frame: NumberedFrame): void {
    const { mergedSockets, toFollowers } = this.#parts;
    if (!frame.isListed || !mergedSockets.listen(this.#topic)) return;
    toFollowers(this.#topic.chatId, frame, () =>
      mergedSockets.emitMerged(this.#topic, () => frame.nested),
    );
  }
}
