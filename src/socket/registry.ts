// The open sockets of this node: whose they are, how many there may be, and which of them are dead.
import type { Server, ServerWebSocket } from "bun";
import type { Caller } from "../accounts/access-tokens.ts";
import type { Listener } from "../realtime/rooms.ts";
import type { Metrics } from "../observability/metrics/metrics.ts";
import { activityTopic, userTopic, type Topic } from "../realtime/topics.ts";
import { closeCodes, type CloseReason } from "../wire/frames.ts";
import type { UserFrame } from "../wire/list-frames.ts";
import type { Inbox } from "./inbox.ts";
import type { SocketTrail } from "./socket-log.ts";

/** What a socket carries: `ws.data`. */
export interface SocketData {
  readonly address: string;
  /** What is counted as one address. */
  readonly network: string;
  /** Why it is closed as soon as it is open; undefined if it isn't. */
  readonly refusal: string | undefined;
  /** Of the request that opened it. */
  readonly requestId: string;
  readonly openedAtMs: number;
  /** Settles when the token that opens the socket was looked at; undefined when none is being looked at. */
  opening: Promise<void> | undefined;
  /** Of the address; forgotten once it was looked at. */
  token: string | undefined;
  session: SocketSession | undefined;
  inbox: Inbox | undefined;
  /** Called when the peer has read what was waiting for it; undefined while no frame of its own waits for that. */
  drained: (() => void) | undefined;
  /** Whether anything came from the peer since the last heartbeat. */
  alive: boolean;
  /** Undefined until it is open. */
  trail: SocketTrail | undefined;
}

export type Socket = ServerWebSocket<SocketData>;

/** Bytes that may wait for a reader. Past it the reader is closed: the log catches it up when it is back. */
export const backpressureBytesMax = 2 * 1024 * 1024;

type SendMetrics = Pick<Metrics, "frameSent" | "frameDropped">;

/** Sends to one socket. Where the text finds no room, Bun drops it and cuts the reader off. */
export function sendText(ws: Socket, metrics: SendMetrics, text: string): void {
  metrics.frameSent();
  // 0 also where the socket has closed meanwhile.
  if (ws.send(text) !== 0 || ws.readyState !== WebSocket.OPEN) return;
  metrics.frameDropped("slow_reader");
  if (ws.data.trail) ws.data.trail.endedBy ??= "too_slow";
}

/** Chats that a socket remembers to be out of; the oldest are forgotten first, of which nothing is on its way any more. */
const goneMax = 1_000;

/** A socket that knows who speaks. */
export class SocketSession implements Listener {
  readonly joined = new Set<number>();
  /** Chats that the person was removed from: a list that was read before may still name them, a room still hold them. */
  private gone: Set<string> | undefined;

  constructor(
    private readonly ws: Socket,
    /** Replaced when an `auth` frame renews the session. */
    public caller: Caller,
    private readonly metrics: SendMetrics,
  ) {}

  get userId() {
    return this.caller.id;
  }

  get username() {
    return this.caller.username;
  }

  get network() {
    return this.ws.data.network;
  }

  get open() {
    return this.ws.readyState === WebSocket.OPEN;
  }

  send(text: string) {
    sendText(this.ws, this.metrics, text);
  }

  cork(work: () => void) {
    this.ws.cork(work);
  }

  subscribe(topic: Topic) {
    if (this.gone?.has(topic.name)) return;
    this.ws.subscribe(topic.name);
  }

  unsubscribe(topic: Topic) {
    this.ws.unsubscribe(topic.name);
  }

  /** Hears the news of the chats that the person is in. */
  follow(chatIds: number[]) {
    if (!this.open) return;
    for (const chatId of chatIds) this.hearNews(chatId);
  }

  private hearNews(chatId: number) {
    if (this.open && !this.joined.has(chatId)) this.subscribe(activityTopic(chatId));
  }

  followOne(chatId: number) {
    this.gone?.delete(activityTopic(chatId).name);
    this.hearNews(chatId);
  }

  unfollowOne(chatId: number) {
    const topic = activityTopic(chatId).name;
    this.gone ??= new Set();
    this.gone.add(topic);
    const [oldest = topic] = this.gone;
    if (this.gone.size > goneMax) this.gone.delete(oldest);
    this.ws.unsubscribe(topic);
  }
}

/** Closes with a code of the contract; `detail` follows the reason's word. */
export function closeSocket(ws: Socket, reason: CloseReason, detail: string): void {
  if (ws.data.trail) ws.data.trail.endedBy ??= reason;
  // RFC 6455 §5.5: a control frame's payload is at most 125 bytes, two of which are the code.
  ws.close(closeCodes[reason].code, `${reason}: ${detail}`.slice(0, 120));
}

/** The part of Bun's server that sends to topics. */
type Publisher = Pick<Server<SocketData>, "publish" | "subscriberCount">;

/** Milliseconds in which a socket without a token in its address must send an `auth` frame. */
const authTimeoutMs = 5_000;

export type Sockets = ReturnType<typeof createSockets>;

export function createSockets({
  perUserMax,
  perAddressMax,
  metrics,
}: {
  perUserMax: number;
  perAddressMax: number;
  metrics: Pick<Metrics, "framePublished" | "frameDropped">;
}) {
  let server: Publisher | undefined;
  const countSubscribers = (topic: string) => server?.subscriberCount(topic) ?? 0;
  const all = new Set<Socket>();
  const byUser = new Map<number, Set<Socket>>();
  const byAddress = new Map<string, number>();
  let empty: PromiseWithResolvers<void> | undefined;

  function emit(topic: Topic, text: string): void {
    metrics.framePublished(topic.audience, topic.name, countSubscribers);
    // 0 also where nobody is subscribed.
    const sent = server?.publish(topic.name, text);
    if (sent === 0 && countSubscribers(topic.name) > 0) {
      metrics.frameDropped("slow_reader");
      noteSlowReaders();
    }
  }

  /** Bun cuts off a peer that does not read, without a word: remembers which, when a frame found no room. */
  function noteSlowReaders() {
    for (const ws of all) {
      const isFull = ws.getBufferedAmount() > backpressureBytesMax / 2;
      if (isFull && ws.data.trail) ws.data.trail.endedBy ??= "too_slow";
    }
  }

  return {
    /** From now on frames go out through this server. */
    attach(running: Publisher) {
      server = running;
    },

    emit,

    /** @returns false when the address has as many sockets as it may */
    add(ws: Socket): boolean {
      const { network } = ws.data;
      const count = byAddress.get(network) ?? 0;
      if (perAddressMax > 0 && count >= perAddressMax) return false;
      byAddress.set(network, count + 1);
      all.add(ws);
      return true;
    },

    /** Gives the socket to its person. @returns false when theirs are as many as they may be */
    claim(ws: Socket, session: SocketSession): boolean {
      const { userId } = session;
      const sockets = byUser.getOrInsertComputed(userId, () => new Set());
      if (perUserMax > 0 && sockets.size >= perUserMax) return false;
      sockets.add(ws);
      ws.data.session = session;
      // Before anything is waited for: a client may load its chats as soon as the socket is open.
      ws.subscribe(userTopic(userId).name);
      return true;
    },

    /** Hands a frame to all sockets of a person, which follow a chat that they are told of, and leave one that is over. */
    notify(userId: number, frame: UserFrame) {
      for (const ws of byUser.get(userId) ?? []) {
        if ("chat" in frame) ws.data.session?.followOne(frame.chat.id);
        else if (frame.type !== "read") ws.data.session?.unfollowOne(frame.chat_id);
      }
      emit(userTopic(userId), JSON.stringify(frame));
    },

    remove(ws: Socket) {
      if (!all.delete(ws)) return;
      if (all.size === 0) empty?.resolve();
      const { network, session } = ws.data;
      const count = (byAddress.get(network) ?? 1) - 1;
      if (count > 0) byAddress.set(network, count);
      else byAddress.delete(network);
      if (!session) return;
      const sockets = byUser.get(session.userId);
      sockets?.delete(ws);
      if (sockets?.size === 0) byUser.delete(session.userId);
    },

    /** Closes every socket that one of these sessions has opened or renewed. */
    disconnectSessions(sessionIds: readonly string[]) {
      if (sessionIds.length === 0) return;
      const ended = new Set(sessionIds);
      for (const ws of all) {
        const { session } = ws.data;
        if (session && ended.has(session.caller.sessionId)) {
          closeSocket(ws, "revoked", "this session has ended");
        }
      }
    },

    /** The sessions that sockets are open for. */
    sessionIds(): string[] {
      const ids = new Set<string>();
      for (const { data } of all) if (data.session) ids.add(data.session.caller.sessionId);
      return [...ids];
    },

    /** Closes every socket of a person; they come back and hear what they may. */
    disconnectUser(userId: number) {
      for (const ws of byUser.get(userId) ?? []) {
        closeSocket(ws, "unavailable", "reconnect, and catch up");
      }
    },

    /** Tells a person's sockets no more news of a chat. */
    unfollow(userId: number, chatId: number) {
      for (const ws of byUser.get(userId) ?? []) ws.data.session?.unfollowOne(chatId);
    },

    /** Closes who did not say who they are in time, and whose token has expired. */
    checkSessions(nowMs: number) {
      for (const ws of all) {
        const { session, opening, openedAtMs } = ws.data;
        if (session && session.caller.expiresAtMs <= nowMs) {
          closeSocket(ws, "token_expired", "renew it with an auth frame before it expires");
        } else if (!session && !opening && openedAtMs + authTimeoutMs <= nowMs) {
          closeSocket(ws, "invalid_token", "no auth frame came in time");
        }
      }
    },

    /**
     * Pings everyone. Whoever has been silent since the last call is dead, whatever the kernel still takes for it.
     * @returns how many were cut off
     */
    heartbeat(): number {
      let dead = 0;
      for (const ws of all) {
        if (ws.data.alive) {
          ws.data.alive = false;
          ws.ping();
        } else {
          dead += 1;
          if (ws.data.trail) ws.data.trail.endedBy ??= "dead";
          ws.terminate();
        }
      }
      return dead;
    },

    /** Settles when all are closed, which a peer that doesn't answer can hold up for long. */
    async closeAll(reason: CloseReason, detail: string) {
      for (const ws of all) closeSocket(ws, reason, detail);
      if (all.size === 0) return;
      empty ??= Promise.withResolvers();
      await empty.promise;
    },

    /** Frames that wait for their turn, of all sockets. */
    waitingFrames() {
      let frames = 0;
      for (const ws of all) frames += ws.data.inbox?.waitingCount ?? 0;
      return frames;
    },

    /** Settles when no frame of any socket is being worked on. */
    async idle() {
      await Promise.all(Array.from(all, (ws) => ws.data.inbox?.idle()));
    },

    get size() {
      return all.size;
    },
  };
}
