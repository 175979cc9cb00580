// Activity of chats for participants that have not joined them. A busy room must not cost each of them a frame for every
// message: the first goes out at once, and of what follows within the interval only the newest.
import type { ActivityFrame } from "../wire/list-frames.ts";
import { activityTopic, type Emit } from "./topics.ts";

const defaultIntervalMs = 1_000;

export class ActivityThrottle {
  readonly #emit: Emit;
  readonly #intervalMs: number;
  readonly #recent = new Map<number, { latest: ActivityFrame | undefined }>();

  /** @param intervalMs milliseconds in which a chat gets at most one frame */
  constructor(emit: Emit, intervalMs = defaultIntervalMs) {
    this.#emit = emit;
    this.#intervalMs = intervalMs;
  }

  /** Sends the frame at once, or with the end of the interval if no newer one comes until then. */
  note(frame: ActivityFrame): void {
    const chat = this.#recent.get(frame.chat_id);
    if (chat) chat.latest = frame;
    else this.#send(frame);
  }

  /**
   * A message has changed. A frame that waits must not show its text before; otherwise the newest message of the chat is sent
   * again, with the `seq` that it has.
   */
  revise(frame: ActivityFrame, { isNewest }: { isNewest: boolean }): void {
    const chat = this.#recent.get(frame.chat_id);
    if (chat?.latest?.seq === frame.seq) chat.latest = frame;
    else if (isNewest && !chat?.latest) this.note(frame);
  }

  #send(frame: ActivityFrame): void {
    const { chat_id: chatId } = frame;
    const chat: { latest: ActivityFrame | undefined } = { latest: undefined };
    this.#recent.set(chatId, chat);
    this.#emit(activityTopic(chatId), JSON.stringify(frame));
    setTimeout(() => {
      this.#recent.delete(chatId);
      if (chat.latest) this.#send(chat.latest);
    }, this.#intervalMs);
  }
}
