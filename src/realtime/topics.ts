/** Sockets subscribe to topics. The audience says whom a topic is for: a room, a list of chats, or one person. */
export interface Topic {
  readonly audience: "chat" | "activity" | "user";
  readonly name: string;
}

/** All sockets that have joined a chat. */
export const chatTopic = (chatId: number): Topic => ({ audience: "chat", name: `chat:${chatId}` });

/** All sockets of a chat's participants that have not joined it. */
export const activityTopic = (chatId: number): Topic => ({
  audience: "activity",
  name: `activity:${chatId}`,
});

/** All sockets of one person. */
export const userTopic = (userId: number): Topic => ({ audience: "user", name: `user:${userId}` });

/** Hands a text to all sockets of this node that are subscribed to a topic. */
export type Emit = (topic: Topic, text: string) => void;
