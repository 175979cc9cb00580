// Frames that get one reply, found again by its request id. A room has two of them under way at most.
import type { ClientFrame, ServerFrame } from "../wire/frames.ts";
import { createAlarm, type Alarm } from "./alarm.ts";

/** A frame without its request id. */
export type Sendable = ClientFrame extends infer F
  ? F extends ClientFrame
    ? Omit<F, "request_id">
    : never
  : never;

/** Called once: with the reply, or with nothing when the socket was lost before it came, or it was late. */
export type Replied = (reply: ServerFrame | undefined) => void;

export function createRequests(post: (frame: Sendable & { request_id: number }) => void) {
  const waiting = new Map<number, { replied: Replied; alarm: Alarm }>();
  let last = 0;

  function end(id: number, reply: ServerFrame | undefined) {
    const request = waiting.get(id);
    waiting.delete(id);
    request?.alarm.clear();
    request?.replied(reply);
  }

  return {
    ask(frame: Sendable, ms: number, replied: Replied) {
      last += 1;
      const id = last;
      const alarm = createAlarm();
      alarm.set(ms, () => end(id, undefined));
      waiting.set(id, { replied, alarm });
      post({ ...frame, request_id: id });
    },
    /** @returns whether the frame is a reply, perhaps to what nobody waits for any more */
    hear(frame: ServerFrame): boolean {
      const id = "request_id" in frame ? frame.request_id : undefined;
      if (typeof id === "number") end(id, frame);
      return id != null;
    },
    lose() {
      for (const id of [...waiting.keys()]) end(id, undefined);
    },
  };
}
