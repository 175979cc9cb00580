// The way of a frame to sockets. One node needs nothing between an action and its own sockets; a Broker for many
// nodes carries the same three arguments to each of them and delivers there in the same way.
import type { ActivityFrame, RoomFrame, UserFrame } from "../wire/frames.ts";
import type { createActivity } from "./activity-throttle.ts";
import type { PublishOptions, Rooms } from "./rooms.ts";
import type { ActivityTopic, ChatTopic, Topic, UserTopic } from "./topics.ts";

/** Hands a frame to everyone concerned. Called by actions only, and only after the commit. */
export interface Publish {
  (topic: ChatTopic, frame: RoomFrame, options?: PublishOptions): void;
  (topic: ActivityTopic, frame: ActivityFrame): void;
  (topic: UserTopic, frame: UserFrame): void;
}

/** Hands a text to all sockets of this node that are subscribed to a topic. */
export type Emit = (topic: Topic, text: string) => void;

/** The broker of a single node. */
export function createLocalBroker({
  rooms,
  activity,
  notify,
}: {
  rooms: Rooms;
  activity: ReturnType<typeof createActivity>;
  /** Hands a frame to all sockets of a person. */
  notify: (userId: number, frame: UserFrame) => void;
}): Publish {
  return (topic: Topic, frame: RoomFrame | ActivityFrame | UserFrame, options?: PublishOptions) => {
    switch (frame.type) {
      case "chat_activity":
        return activity.note(frame);
      case "chat_created":
      case "chat_invite":
      case "chat_deleted":
      case "removed_from_chat":
        return notify(idOf(topic), frame);
      default:
        return rooms.publish(frame.chat_id, frame, options);
    }
  };
}

function idOf(topic: Topic): number {
  return Number(topic.slice(topic.indexOf(":") + 1));
}
