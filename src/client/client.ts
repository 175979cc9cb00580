// The client of Gemini Coop: `gemini-coop/client`. It runs in browsers, in Bun, and in Node.js from version 20 on, and
// imports nothing at run time.
import type { ServerFrame } from "../wire/frames.ts";
import type { User } from "../wire/users.ts";
import { createApi, type Api } from "./api.ts";
import { createPauses } from "./close-plans.ts";
import { createConnection, type ConnectionState, type SocketConstructor } from "./connection.ts";
import { createSend, signedOut, type Fetch } from "./http.ts";
import { observe, type Observable } from "./observable.ts";
import { createOutbox } from "./outbox.ts";
import { ProblemError } from "./problem-error.ts";
import { createRoom, type RoomInside } from "./room.ts";
import type { Room } from "./room-snapshot.ts";
import {
  createSession,
  memoryTokens,
  type RenewTokens,
  type Session,
  type TokenStore,
} from "./session.ts";
import { watchSurroundings } from "./surroundings.ts";
import { timingDefaults, type Timing } from "./timing.ts";

export type { Api, ChatChange, NewChat, PageQuery } from "./api.ts";
export type { ConnectionState, SocketConstructor, SocketLike } from "./connection.ts";
export type { Observable } from "./observable.ts";
export type { PendingMessage, SendResult, Sending } from "./outbox.ts";
export { ProblemError, type ProblemErrorCode } from "./problem-error.ts";
export type { Room, RoomSnapshot, RoomState } from "./room-snapshot.ts";
export type { Person } from "./room-log.ts";
export {
  memoryTokens,
  type HeldTokens,
  type RenewTokens,
  type Session,
  type SessionSnapshot,
  type TokenStore,
} from "./session.ts";
export type { Timing } from "./timing.ts";
export type { Chat, ChatSummary, Participant } from "../wire/chats.ts";
export type { ServerFrame } from "../wire/frames.ts";
export type { Message, MessageStatus } from "../wire/messages.ts";
export type { Tokens, User } from "../wire/users.ts";

/** Rooms that may be open at once. */
const roomsMax = 200;

export interface ClientOptions {
  /** Where the server is, as in `https://chat.example.com`; `/api` and `/ws` are below it. */
  url: string;
  /** Where tokens are kept. Default: in memory. In a browser: `storedTokens(localStorage)` of `gemini-coop/client/stored-tokens` */
  tokens?: TokenStore;
  /** Gets new tokens for those that expire. Default: the server's own `POST /api/auth/refresh` */
  renewTokens?: RenewTokens;
  /** Default: the global one. Node.js 20 has none: hand over that of the package `ws`. */
  WebSocket?: SocketConstructor;
  /** Default: the global one. */
  fetch?: Fetch;
  timing?: Partial<Timing>;
  /** From 0 to below 1, for the jitter of pauses. Default: `Math.random` */
  random?: () => number;
}

export interface ConnectionSnapshot {
  readonly state: ConnectionState;
  /** Why there is no socket: a close reason of the contract (`restart`, `revoked` …), a problem's code, or `lost`. */
  readonly reason: string | undefined;
  /** When the next try begins, by this machine's clock; undefined when none will before `connect` is called. */
  readonly retryAtMs: number | undefined;
}

export interface Client {
  /** Signing in and out, and who is signed in. */
  readonly session: Session;
  /** The HTTP endpoints. */
  readonly api: Api;
  /** The state of the socket, to be shown to people. */
  readonly connection: Observable<ConnectionSnapshot>;
  /**
   * Opens the socket and keeps it open; signing in does the same. Nothing happens while nobody is signed in, and when
   * it is open or about to be.
   */
  connect(): void;
  /** Closes the socket, until `connect`. Rooms stay as they are; messages that are pending wait. */
  disconnect(): void;
  /**
   * Opens a room: it loads, and stays up to date until it is closed as often as it was opened. The same chat gives
   * the same room. Signing out closes all.
   * @throws RangeError when 200 are open
   */
  room(chatId: number): Room;
  /** Calls a listener with every frame that is no reply: for notifications. @returns a function that ends it */
  onFrame(listener: (frame: ServerFrame) => void): () => void;
  /** The end: the socket, all rooms and all subscriptions. Pending messages fail as `not_sent`. Stays signed in. */
  close(): void;
}

/** @throws TypeError when there is no WebSocket, or `url` is none */
export function createClient(options: ClientOptions): Client {
  const base = new URL(options.url).href.replace(/\/+$/, "");
  const timing = { ...timingDefaults, ...options.timing };
  const pauseMs = createPauses(timing, options.random ?? Math.random);
  const WebSocket = options.WebSocket ?? globalThis.WebSocket;
  if (!WebSocket) throw new TypeError("There is no WebSocket: pass one.");
  const rooms = new Map<number, RoomInside>();
  const frameListeners = new Set<(frame: ServerFrame) => void>();
  let user: User | undefined;
  let isClosed = false;

  const fetch = options.fetch ?? ((url, init) => globalThis.fetch(url, init));
  const send = createSend(base, fetch, timing.requestMs);
  const session = createSession({
    send,
    store: options.tokens ?? memoryTokens(),
    renew: options.renewTokens,
    onChange: identify,
  });
  const api = createApi(session.call);
  const connection = createConnection({
    url: `${base.replace(/^http/, "ws")}/ws`,
    WebSocket,
    session,
    timing,
    pauseMs,
    on: {
      open: opened,
      frame: hear,
      lost: () => rooms.forEach((room) => room.lose()),
      change: () => observed.changed(),
    },
  });
  const outbox = createOutbox({
    connection,
    timing,
    pauseMs,
    onChange: (chatId) => rooms.get(chatId)?.changed(),
    onStored: (chatId, seq) => rooms.get(chatId)?.sync.expect(seq),
  });
  const observed = observe<ConnectionSnapshot>(() => {
    const { state, reason, retryAtMs } = connection.link;
    const isLive = [...rooms.values()].every((room) => /live|gone/.test(room.sync.state));
    const open = isLive ? "live" : "catching_up";
    return { state: state === "open" ? open : state, reason, retryAtMs };
  });

  function identify(next: User | undefined) {
    // What is shown and what waits is another person's, or nobody's any more.
    if (user && user.id !== next?.id) {
      closeRooms();
      outbox.clear(signedOut());
    }
    user = next;
    connection.disconnect("signed_out");
    if (next && !isClosed) connect();
  }

  function connect() {
    if (isClosed || !session.outside.getSnapshot().signedIn) return;
    connection.connect();
  }

  async function opened() {
    // Whose messages are our own must be known before rooms show them.
    user ??= await session.me().catch(() => undefined);
    if (!connection.whenOpen()) return;
    rooms.forEach(({ sync }) => sync.join());
    outbox.flush();
    observed.changed();
  }

  function hear(frame: ServerFrame) {
    if ("notification" in frame) {
      // Whether we are in it now, the server knows: what a frame says may be over.
      rooms.get("chat" in frame ? frame.chat.id : frame.chat_id)?.sync.join();
    } else if ("chat_id" in frame && frame.type !== "chat_activity") {
      rooms.get(frame.chat_id ?? 0)?.sync.hear(frame);
    }
    for (const listener of [...frameListeners]) queueMicrotask(() => listener(frame));
  }

  function openRoom(chatId: number): RoomInside {
    if (rooms.size >= roomsMax) throw new RangeError("Too many rooms are open.");
    const room = createRoom({
      chatId,
      api,
      connection,
      outbox,
      timing,
      pauseMs,
      ownId: () => user?.id,
      onState: () => observed.changed(),
      onClose: () => rooms.delete(chatId),
    });
    rooms.set(chatId, room);
    room.sync.join();
    return room;
  }

  function closeRooms() {
    rooms.forEach((room) => room.close());
  }

  const ignore = watchSurroundings(connection.wake);

  return {
    session: session.outside,
    api,
    connection: observed.observable,
    connect,
    disconnect: () => connection.disconnect("bye"),
    room: (chatId) => (rooms.get(chatId) ?? openRoom(chatId)).open(),
    onFrame(listener) {
      const own = (frame: ServerFrame) => listener(frame);
      frameListeners.add(own);
      return () => void frameListeners.delete(own);
    },
    close() {
      isClosed = true;
      ignore();
      connection.disconnect("bye");
      closeRooms();
      outbox.clear(new ProblemError("not_sent", "The client was closed."));
      frameListeners.clear();
      session.close();
      observed.end();
    },
  };
}
