// Activity of chats for participants that have not joined them. A busy room must not cost each of them a frame for every
// message: the first goes out at once, and of what follows within the interval only the newest.
import type { Mark } from "./follower-gate.ts";

const defaultIntervalMs = 1_000;

/** The newest message of a chat, as it is shown to those who have not joined it. */
export interface Activity {
  readonly chatId: number;
  /** The number of the message. */
  readonly seq: number;
  /** The change that the text tells of: the message, or its latest edit. */
  readonly mark: Mark;
  readonly text: () => string;
}

export class ActivityThrottle {
  readonly #emit: (activity: Activity) => void;
  readonly #intervalMs: number;
  /** The activity of each chat that was sent within the interval, and that which waits for its end. */
  readonly #recent = new Map<number, { sentSeq: number; latest: Activity | undefined }>();

  /** @param intervalMs milliseconds in which a chat gets at most one frame */
  constructor(emit: (activity: Activity) => void, intervalMs = defaultIntervalMs) {
    this.#emit = emit;
    this.#intervalMs = intervalMs;
  }

  /**
   * Sends the activity at once, or with the end of the interval if no newer one comes until then. One that another server has
   * sent late, after a newer one, is dropped.
   */
  note(activity: Activity): void {
    const chat = this.#recent.get(activity.chatId);
    if (!chat) return this.#send(activity);
    if (activity.seq >= (chat.latest?.seq ?? chat.sentSeq)) chat.latest = activity;
  }

  /**
   * A message has changed. A frame that waits must not show its text before; otherwise the newest message of the chat is sent
   * again, with the `seq` that it has.
   */
  revise(activity: Activity, { isNewest }: { isNewest: boolean }): void {
    const chat = this.#recent.get(activity.chatId);
    if (chat?.latest?.seq === activity.seq) chat.latest = activity;
    else if (isNewest && !chat?.latest) this.note(activity);
  }

  #send(activity: Activity): void {
    const { chatId, seq } = activity;
    const chat: { sentSeq: number; latest: Activity | undefined } = {
      sentSeq: seq,
      latest: undefined,
    };
    this.#recent.set(chatId, chat);
    this.#emit(activity);
    setTimeout(() => {
      this.#recent.delete(chatId);
      if (chat.latest) this.#send(chat.latest);
    }, this.#intervalMs);
  }
}
