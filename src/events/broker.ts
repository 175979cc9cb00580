// The way of a frame to sockets. One node needs nothing between an action and its own sockets; a Broker for many
// nodes carries the same three arguments to each of them and delivers there in the same way.
import type { RoomFrame, UserFrame } from "../wire/frames.ts";
import type { PublishOptions, Rooms } from "./rooms.ts";
import type { ChatTopic, UserTopic } from "./topics.ts";

/** Hands a frame to everyone concerned. Called by actions only, and only after the commit. */
export interface Publish {
  (topic: ChatTopic, frame: RoomFrame, options?: PublishOptions): void;
  (topic: UserTopic, frame: UserFrame): void;
}

/** Hands a text to all sockets of this node that are subscribed to a topic. */
export type Emit = (topic: ChatTopic | UserTopic, text: string) => void;

/** The broker of a single node. */
export function createLocalBroker({ rooms, emit }: { rooms: Rooms; emit: Emit }): Publish {
  return (topic: ChatTopic | UserTopic, frame: RoomFrame | UserFrame, options?: PublishOptions) => {
    if (isRoomFrame(topic, frame)) rooms.publish(frame.chat_id, frame, options);
    else emit(topic, JSON.stringify(frame));
  };
}

function isRoomFrame(
  topic: ChatTopic | UserTopic,
  frame: RoomFrame | UserFrame,
): frame is RoomFrame {
  return topic.startsWith("chat:") && "chat_id" in frame;
}
