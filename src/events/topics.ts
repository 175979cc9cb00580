/** All sockets that have joined a chat. */
export const chatTopic = (chatId: number) => `chat:${chatId}` as const;
export type ChatTopic = ReturnType<typeof chatTopic>;

/** All sockets of one person. */
export const userTopic = (userId: number) => `user:${userId}` as const;
export type UserTopic = ReturnType<typeof userTopic>;
