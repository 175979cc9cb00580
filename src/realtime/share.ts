// Makes the objects that share the rooms of this server with the other ones.
import type { Logger } from "pino";
import { BusLink } from "../bus/bus-link.ts";
import type { Bus } from "../bus/bus.ts";
import type { Metrics } from "../observability/metrics/metrics.ts";
import { ActiveRooms } from "./active-rooms.ts";
import { AnswersElsewhere } from "./answers-elsewhere.ts";
import { BusReceiver, type PeerHandlers } from "./bus-receiver.ts";
import type { LocalRealtime } from "./local-realtime.ts";
import { Peers } from "./peers.ts";
import { Rosters } from "./rosters.ts";
import { SharedRealtime } from "./shared-realtime.ts";

export interface ShareParts {
  bus: Bus;
  /** This server's name, under which the database knows for how long it lives. */
  name: string;
  /** The first part of every subject. */
  prefix: string;
  local: LocalRealtime;
  log: Logger;
  metrics: Pick<Metrics, "busRefused">;
  /** See `ActivityThrottle`. */
  activityMs?: number | undefined;
  /** Whether an answer has not come to its end. */
  isStreaming: (messageId: number) => Promise<boolean>;
  /** The attempt under which this server runs an answer; undefined if it does not. */
  attemptHere: (messageId: number) => number | undefined;
  onTakenOver: (messageId: number) => void;
  /** The handlers, which are called once the bus has started. */
  handlers: PeerHandlers;
}

export function shareRooms(parts: ShareParts): { realtime: SharedRealtime; peers: Peers } {
  const { bus, name, prefix, metrics, local, handlers, activityMs } = parts;
  const { rooms } = local;
  const link = new BusLink(bus, { name, prefix, metrics });
  const rosters = new Rosters(link, rooms);
  const answers = new AnswersElsewhere({ ...parts, link, rooms });
  const activeRooms = new ActiveRooms(link, (chatId) => rosters.versionOf(chatId));
  const onReturn = () => peers.askAll();
  const receiver = new BusReceiver({ link, local, rosters, answers, handlers, onReturn });
  const peers: Peers = new Peers({ link, rooms, rosters, answers, activeRooms, receiver });
  rooms.share(peers);
  return {
    realtime: new SharedRealtime({ local, link, activeRooms, answers, activityMs }),
    peers,
  };
}
