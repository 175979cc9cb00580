// Delivery on a single node: nothing stands between an action and this node's own sockets. For several nodes, the same
// three calls would be carried to each of them.
import type { RoomFrame } from "../wire/frames.ts";
import type { ListFrame, UserFrame } from "../wire/list-frames.ts";
import { ActivityThrottle } from "./activity-throttle.ts";
import type { RoomOptions, Rooms } from "./rooms.ts";
import { activityTopic, type Emit } from "./topics.ts";

export class LocalRealtime {
  readonly rooms: Rooms;
  readonly #emit: Emit;
  readonly #activity: ActivityThrottle;
  readonly #notify: (userId: number, frame: UserFrame) => void;

  /** @param notify hands a frame to all sockets of a person */
  constructor({
    rooms,
    emit,
    notify,
  }: {
    rooms: Rooms;
    emit: Emit;
    notify: (userId: number, frame: UserFrame) => void;
  }) {
    this.rooms = rooms;
    this.#emit = emit;
    this.#activity = new ActivityThrottle(emit);
    this.#notify = notify;
  }

  toRoom(frame: RoomFrame, options?: RoomOptions): void {
    this.rooms.publish(frame.chat_id, frame, options);
  }

  toUser(userId: number, frame: UserFrame): void {
    this.#notify(userId, frame);
  }

  toList(frame: ListFrame): void {
    if (frame.type === "chat_activity") this.#activity.note(frame);
    else this.#emit(activityTopic(frame.chat_id), JSON.stringify(frame));
  }
}
