// The sockets of this server, the rooms that they have joined, and what shares these rooms with other servers.
import type { Logger } from "pino";
import { isStreaming } from "../answers/queries.ts";
import type { RunningAnswers } from "../answers/running-answers.ts";
import type { Bus } from "../bus/bus.ts";
import type { Config } from "../config/config.ts";
import type { Sql } from "../database/connect.ts";
import { createReadLog } from "../log/replay.ts";
import type { Metrics } from "../observability/metrics/metrics.ts";
import type { Presence } from "../presence/presence.ts";
import type { FollowerGate } from "../realtime/follower-gate.ts";
import { LocalRealtime } from "../realtime/local-realtime.ts";
import type { Peers } from "../realtime/peers.ts";
import type { Realtime } from "../realtime/ports.ts";
import { Rooms } from "../realtime/rooms.ts";
import { shareRooms } from "../realtime/share.ts";
import type { Emit } from "../realtime/topics.ts";
import { createCounting } from "./count-queries.ts";
import { createFollowerGate } from "./following.ts";
import { createPeerHandlers, type PeerParts } from "./peer-events.ts";
import { SocketRegistry } from "./registry.ts";

/** The part of a server that holds sockets and publishes to them. */
export interface LiveParts {
  sockets: SocketRegistry;
  rooms: Rooms;
  realtime: Realtime;
  /** Undefined where there is no bus. */
  peers: Peers | undefined;
}

/** Durations in milliseconds. */
export interface LiveDurations {
  /** A gap in a room's numbers that stays so long is read from the log. */
  gapMs: number;
  /** A chat's activity is sent at most once in this interval. */
  activityMs: number;
  /** A socket without a token in its address must send an `auth` frame within this. */
  authTimeoutMs: number;
  /** A socket whose frame runs for longer is closed. */
  frameTimeoutMs: number;
  /** The `leave` of a merged socket takes effect after this. */
  leaveDelayMs: number;
  /** A removal whose reply was lost stays in force for so long. */
  removalDoubtMs: number;
  /** A large room is told of people who come and go at most once in this interval. */
  presenceChangedMs: number;
}

interface Parts {
  config: Config;
  sql: Sql;
  log: Logger;
  metrics: Metrics;
  durations: Partial<LiveDurations>;
  presence: Presence;
  answers: RunningAnswers;
  /** The bus between servers, which is not started yet; undefined where there is none. */
  bus: Bus | undefined;
  /** The server that these parts will belong to. */
  server: () => PeerParts;
}

/** Creates them. Nothing runs yet, and nothing is asked of the database. */
export function createLiveParts(parts: Parts): LiveParts {
  const { config, sql, log, metrics, durations, presence, answers, bus } = parts;
  const sockets = new SocketRegistry({
    perUserMax: config.socketsPerUserMax,
    perAddressMax: config.socketsPerAddressMax,
    metrics,
    presence,
    authTimeoutMs: durations.authTimeoutMs,
    frameTimeoutMs: durations.frameTimeoutMs,
    leaveDelayMs: durations.leaveDelayMs,
    removalDoubtMs: durations.removalDoubtMs,
    counting: createCounting(sql, log, config, presence.people),
    onPerson: (userId, isHere) => peers?.personMoved(userId, isHere),
  });
  const gate = createFollowerGate(sql, log, sockets);
  const toFollowers: FollowerGate["pass"] = (...args) => gate.pass(...args);
  const emit: Emit = (topic, text, merged) => sockets.emit(topic, text, merged);
  const rooms = new Rooms({
    emit,
    toFollowers,
    mergedSockets: sockets,
    readLog: createReadLog(sql, { onEnded: (messageId) => answers.noteEnded(messageId) }),
    log,
    metrics,
    gapMs: durations.gapMs,
    presenceChangedMs: durations.presenceChangedMs,
  });
  const { activityMs } = durations;
  const local = new LocalRealtime({
    ...{ rooms, emit, toFollowers, activityMs, mergedSockets: sockets },
    together: (work) => sockets.gathered.together(work),
    notify: (userId, notice) => sockets.notify(userId, notice),
  });
  const shared =
    bus &&
    shareRooms({
      ...{ local, log, metrics, activityMs, bus },
      name: presence.people.serverId,
      prefix: config.bus?.prefix ?? "",
      isStreaming: (messageId) => isStreaming(sql, messageId),
      attemptHere: (messageId): number | undefined => answers.find(messageId)?.lease.attempt,
      onTakenOver: (messageId) => answers.find(messageId)?.stop("abandoned"),
      handlers: createPeerHandlers(log, parts.server),
    });
  const peers: Peers | undefined = shared?.peers;
  sockets.followers.watch({
    followed: (...args) => gate.followed(...args),
    moved(chatId, form, isFollowed) {
      if (!sockets.followers.has(chatId)) gate.forget(chatId);
      peers?.followed(chatId, form, isFollowed);
    },
  });
  return { sockets, rooms, realtime: shared?.realtime ?? local, peers };
}
