/** Sockets subscribe to topics. The audience says whom a topic is for: a room, or a list of chats. */
export interface Topic {
  readonly audience: "chat" | "activity";
  readonly chatId: number;
  readonly name: string;
}

/** The sockets of a slice of those that have joined a chat. */
export const chatTopic = (chatId: number, slice: number): Topic => ({
  audience: "chat",
  chatId,
  name: `chat:${chatId}:${slice}`,
});

/** All sockets of a chat's participants that have not joined it. */
export const activityTopic = (chatId: number): Topic => ({
  audience: "activity",
  chatId,
  name: `activity:${chatId}`,
});

/** The name under which merged sockets subscribe to the topic of a room or of a list of chats. */
export const mergedName = (topic: Topic): string => `${topic.name}:merged`;

/**
 * Hands a text to all sockets of this node that are subscribed to a topic.
 * @param merged makes the text for those of them that are merged sockets; without it they get the same as the others
 */
export type Emit = (topic: Topic, text: string, merged?: () => string) => void;

/** The merged sockets of this node: those whose frames carry the nested `message`. */
export interface MergedSockets {
  /** Whether any of them is subscribed to a topic. */
  listen(topic: Topic): boolean;
  /** Hands a text to those that are subscribed to a topic, and to no other socket. It is made only if there are any. */
  emitMerged(topic: Topic, text: () => string): void;
  /** Hands a text to those of some people. */
  sendMerged(userIds: number[], text: string): void;
}
