import type { Logger } from "pino";
import { findChatMembers, type KnownChat } from "../chats/follower-queries.ts";
import { GroupReads } from "../database/group-reads.ts";
import type { Sql } from "../database/connect.ts";
import { FollowerGate, type ChatMembers } from "../realtime/follower-gate.ts";
import type { SocketRegistry } from "./registry.ts";

const groupMax = 128;
const queueMax = 50_000;

/** Makes the gate before the sockets that follow chats. */
export function createFollowerGate(sql: Sql, log: Logger, sockets: SocketRegistry): FollowerGate {
  const reads = new GroupReads<KnownChat, ChatMembers | undefined>(
    (chats) => findChatMembers(sql, chats),
    { sizeMax: groupMax, queueMax },
  );
  return new FollowerGate({
    read: (chatId, known) => reads.add({ chatId, known }),
    followersOf: (chatId) => sockets.followersOf(chatId),
    hasFollowers: (chatId) => sockets.followers.has(chatId),
    log,
  });
}
