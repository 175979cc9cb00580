import type { Grouped } from "../context.ts";
import type { Sql } from "../database/connect.ts";
import { GroupReads } from "../database/group-reads.ts";
import { RecentReplays } from "../log/recent-replays.ts";
import { readArrivals, type Arrival, type ArrivalRead } from "./socket-queries.ts";

/** A join reads up to 1 MiB. */
const arrivalsGroupMax = 32;
const arrivalsQueueMax = 50_000;
/** Milliseconds in which most clients send the first `join`, so that their session is looked up by its statement. */
const firstJoinMs = 10;

/** Reads what arriving sockets need, for all sockets of a moment at once. */
export function createArrivals(sql: Sql): Pick<Grouped, "readSessionChats" | "readJoin"> {
  const replays = new RecentReplays();
  const read = (arrivals: Arrival[]) => readArrivals(sql, arrivals, replays);
  const reads = new GroupReads<Arrival, ArrivalRead>(read, {
    sizeMax: arrivalsGroupMax,
    queueMax: arrivalsQueueMax,
  });
  return {
    async readSessionChats(session) {
      const { chats, quietChatIds, isHidden } = await reads.add(session, firstJoinMs);
      return chats && { chats, quietChatIds, isHidden };
    },
    readJoin: async (join) => (await reads.add(join)).chat,
  };
}
