// News of chats for people who have not joined them. A busy room must not cost each of its people a frame a message:
// the first goes out at once, what follows within the interval goes as one, the newest.
import type { ActivityFrame } from "../wire/frames.ts";
import { activityTopic, type ActivityTopic } from "./topics.ts";

const intervalMs = 1_000;

export function createActivity(emit: (topic: ActivityTopic, text: string) => void) {
  const recent = new Map<number, { latest: ActivityFrame | undefined }>();

  function send(frame: ActivityFrame) {
    const chat: { latest: ActivityFrame | undefined } = { latest: undefined };
    recent.set(frame.chat_id, chat);
    emit(activityTopic(frame.chat_id), JSON.stringify(frame));
    setTimeout(() => {
      recent.delete(frame.chat_id);
      if (chat.latest) send(chat.latest);
    }, intervalMs);
  }

  return {
    /** Tells it to who is concerned, at most once a second for each chat. */
    note(frame: ActivityFrame) {
      const chat = recent.get(frame.chat_id);
      if (chat) chat.latest = frame;
      else send(frame);
    },
  };
}
