/** All sockets that have joined a chat. */
export const chatTopic = (chatId: number) => `chat:${chatId}` as const;
export type ChatTopic = ReturnType<typeof chatTopic>;

/** All sockets of a chat's participants that have not joined it. */
export const activityTopic = (chatId: number) => `activity:${chatId}` as const;
export type ActivityTopic = ReturnType<typeof activityTopic>;

/** All sockets of one person. */
export const userTopic = (userId: number) => `user:${userId}` as const;
export type UserTopic = ReturnType<typeof userTopic>;

export type Topic = ChatTopic | ActivityTopic | UserTopic;
