// Activity of chats for participants that have not joined them. A busy room must not cost each of them a frame for every
// message: the first goes out at once, and of what follows within the interval only the newest. Those of several chats go out
// together, since a person may follow many of them.
import type { LogPosition } from "./follower-gate.ts";

const defaultIntervalMs = 1_000;
/** Looks for chats whose interval has ended, in one interval. */
const looks = 4;
/** Chats of one look. What is due beyond it comes in the next turn of the event loop. */
const chatsMax = 256;

/** The newest message of a chat, as it is shown to those who have not joined it. */
export interface Activity {
  readonly chatId: number;
  /** The number of the message. */
  readonly seq: number;
  /** The change that the text tells of: the message, or its latest edit. */
  readonly position: LogPosition;
  readonly text: () => string;
}

interface Recent {
  readonly sentSeq: number;
  readonly sentAtMs: number;
  /** The activity that waits for the end of the interval. */
  latest: Activity | undefined;
}

export class ActivityThrottle {
  readonly #emit: (activities: readonly Activity[]) => void;
  readonly #intervalMs: number;
  /** The chats whose activity was sent within the interval, in the order of the sending. */
  readonly #recent = new Map<number, Recent>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param intervalMs milliseconds in which a chat gets at most one frame */
  constructor(emit: (activities: readonly Activity[]) => void, intervalMs = defaultIntervalMs) {
    this.#emit = emit;
    this.#intervalMs = intervalMs;
  }

  /**
   * Sends the activity at once, or soon after the end of the interval if no newer one comes until then. One that another server has
   * sent late, after a newer one, is dropped.
   */
  note(activity: Activity): void {
    const chat = this.#recent.get(activity.chatId);
    if (!chat) return this.#send([activity]);
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

  #send(activities: readonly Activity[]): void {
    const sentAtMs = performance.now();
    for (const { chatId, seq } of activities) {
      this.#recent.set(chatId, { sentSeq: seq, sentAtMs, latest: undefined });
    }
    this.#emit(activities);
    this.#lookIn(this.#intervalMs / looks);
  }

  #lookIn(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#look();
    }, ms);
  }

  #look(): void {
    const endedMs = performance.now() - this.#intervalMs;
    const due: Activity[] = [];
    for (const [chatId, { sentAtMs, latest }] of this.#recent) {
      if (sentAtMs > endedMs || due.length === chatsMax) break;
      this.#recent.delete(chatId);
      if (latest) due.push(latest);
    }
    if (due.length === chatsMax) this.#lookIn(0);
    if (due.length > 0) this.#send(due);
    else if (this.#recent.size > 0) this.#lookIn(this.#intervalMs / looks);
  }
}
