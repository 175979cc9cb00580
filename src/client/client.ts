// The client of Gemini Coop: `gemini-coop/client`. It runs in browsers, in Bun, and in Node.js 20 or newer, and has no
// dependency at run time.
import type { ServerFrame } from "../wire/server-frames.ts";
import type { User } from "../wire/users.ts";
import { createApi, type Api, type Call } from "./api.ts";
import type { ClientOptions } from "./client-options.ts";
import { createPauses, type PauseMs } from "./close-plans.ts";
import type { ConnectionState } from "./connection-state.ts";
import { Connection } from "./connection.ts";
import { listenToWindow } from "./environment.ts";
import { createSend, signedOut } from "./http.ts";
import { observe, type Observable } from "./observable.ts";
import { Outbox } from "./outbox.ts";
import { ProblemError } from "./problem-error.ts";
import type { Sendable } from "./requests.ts";
import { OpenRoom } from "./room.ts";
import type { Room } from "./room-snapshot.ts";
import { ClientSession, type Session } from "./session.ts";
import { timingDefaults, type Timing } from "./timing.ts";
import { memoryTokens } from "./tokens.ts";

export type { Api, Call, ChatChange, NewChat, PageQuery } from "./api.ts";
export type { ClientOptions } from "./client-options.ts";
export type { ConnectionState, SocketConstructor, SocketLike } from "./connection-state.ts";
export type { ChangeResult } from "./message-changes.ts";
export type { Observable } from "./observable.ts";
export type {
  OutboxStore,
  PendingMessage,
  Sending,
  SendResult,
  StoredMessage,
} from "./pending-message.ts";
export { ProblemError, type ProblemErrorCode } from "./problem-error.ts";
export type { Person, Room, RoomSnapshot, RoomState } from "./room-snapshot.ts";
export type { Session, SessionSnapshot } from "./session.ts";
export type { Timing } from "./timing.ts";
export { memoryTokens, type HeldTokens, type RenewTokens, type TokenStore } from "./tokens.ts";
export type { Chat, ChatSummary, Participant } from "../wire/chats.ts";
export type { ServerFrame } from "../wire/server-frames.ts";
export type { Message, MessageStatus, Reaction } from "../wire/messages.ts";
export type { Read } from "../wire/receipts.ts";
export type { Tokens, User } from "../wire/users.ts";

/** The largest number of rooms that are open at once. */
const roomsMax = 200;

export interface ConnectionSnapshot {
  readonly state: ConnectionState;
  /** The reason why there is no socket: the server's close reason (`restart`, `revoked` …), a problem's code, or `lost`. */
  readonly reason: string | undefined;
  /** The time of the next try, by this machine's clock; undefined when there will be none before `connect` is called. */
  readonly retryAtMs: number | undefined;
}

export interface Client {
  /** Signs in and out, and tells who is signed in. */
  readonly session: Session;
  /** The HTTP endpoints. */
  readonly api: Api;
  /** The state of the connection, as an application shows it to people. */
  readonly connection: Observable<ConnectionSnapshot>;
  /**
   * Opens the socket and keeps it open; signing in does the same. Does nothing while nobody is signed in, or when the
   * socket is open or being opened.
   */
  connect(): void;
  /** Closes the socket until `connect` is called. Rooms stay as they are, and pending messages wait. */
  disconnect(): void;
  /**
   * Opens a room: it is loaded, and kept up to date until it is closed as often as it was opened. Opening the same chat
   * twice opens one room. Signing out closes all rooms. @throws RangeError if 200 rooms are open
   */
  room(chatId: number): Room;
  /** Sends a JSON request with the person's access token, for endpoints that `api` has no function for. @throws ProblemError */
  call: Call;
  /** Sends a frame that has no reply, if the socket is open. Rooms send the frames of the log themselves. */
  post(frame: Sendable): void;
  /** Calls a listener with every frame that is not a reply, for notifications. @returns a function that ends it */
  onFrame(listener: (frame: ServerFrame) => void): () => void;
  /**
   * Ends the socket, all rooms and all subscriptions. Pending messages fail as `not_sent`; those in the `outbox` store are
   * sent by the person's next client. The session does not end.
   */
  close(): void;
}

/** @throws TypeError if there is no WebSocket, or `url` is not a URL */
export function createClient(options: ClientOptions): Client {
  return new ClientParts(options);
}

/**
 * Connects the parts of the client with each other, and passes each frame to the part that it concerns. Public methods
 * are properties, so that applications may pass them on without the object.
 */
class ClientParts implements Client {
  readonly session: Session;
  readonly api: Api;
  readonly call: Call;
  readonly connection: Observable<ConnectionSnapshot>;
  readonly #session: ClientSession;
  readonly #connection: Connection;
  readonly #outbox: Outbox;
  readonly #observed = observe<ConnectionSnapshot>(() => this.#snapshot());
  readonly #rooms = new Map<number, OpenRoom>();
  readonly #frameListeners = new Set<(frame: ServerFrame) => void>();
  readonly #shared: { connection: Connection; timing: Timing; pauseMs: PauseMs };
  readonly #unwatch: () => void;
  #user: User | undefined;
  #isClosed = false;

  constructor(options: ClientOptions) {
    const base = new URL(options.url).href.replace(/\/+$/, "");
    const timing = { ...timingDefaults, ...options.timing };
    const pauseMs = createPauses(timing, options.random ?? Math.random);
    const WebSocket = options.WebSocket ?? globalThis.WebSocket;
    if (!WebSocket) throw new TypeError("There is no WebSocket: pass one.");
    const fetch = options.fetch ?? ((url, init) => globalThis.fetch(url, init));
    const session = new ClientSession({
      send: createSend(base, fetch, timing.requestMs),
      store: options.tokens ?? memoryTokens(),
      renew: options.renewTokens,
      retryMs: timing.retryMs,
      onChange: (user) => this.#identify(user),
    });
    this.#session = session;
    this.session = session.outside;
    this.call = (method, path, body) => session.call(method, path, body);
    this.api = createApi(this.call);
    this.connection = this.#observed.observable;
    this.#connection = new Connection({
      url: `${base.replace(/^http/, "ws")}/ws`,
      WebSocket,
      session,
      timing,
      pauseMs,
      on: {
        open: () => void this.#opened(),
        frame: (frame) => this.#receive(frame),
        lost: () => this.#rooms.forEach((room) => room.lose()),
        change: this.#observed.changed,
      },
    });
    this.#shared = { connection: this.#connection, timing, pauseMs };
    this.#outbox = new Outbox({
      ...this.#shared,
      store: options.outbox,
      signedIn: this.#isInUse,
      onChange: (chatId) => this.#rooms.get(chatId)?.changed(),
      onStored: (chatId, seq) => this.#rooms.get(chatId)?.sync.expect(seq),
    });
    this.#unwatch = listenToWindow(["online", "visibilitychange"], () => this.#connection.wake());
  }

  readonly connect = (): void => {
    if (this.#isInUse()) this.#connection.connect();
  };

  readonly disconnect = (): void => this.#connection.disconnect("bye");

  readonly room = (chatId: number): Room =>
    (this.#rooms.get(chatId) ?? this.#openRoom(chatId)).open();

  readonly post = (frame: Sendable): void => this.#connection.post(frame);

  readonly onFrame = (listener: (frame: ServerFrame) => void): (() => void) => {
    const own = (frame: ServerFrame) => listener(frame);
    this.#frameListeners.add(own);
    return () => void this.#frameListeners.delete(own);
  };

  readonly close = (): void => {
    this.#isClosed = true;
    this.#unwatch();
    this.disconnect();
    this.#closeRooms();
    this.#outbox.clear(new ProblemError("not_sent", "The client was closed."));
    this.#frameListeners.clear();
    this.#session.close();
    this.#observed.end();
  };

  #snapshot(): ConnectionSnapshot {
    const { state, reason, retryAtMs } = this.#connection.link;
    const isLive = [...this.#rooms.values()].every((room) => /live|gone/.test(room.sync.state));
    const open = isLive ? "live" : "catching_up";
    return { state: state === "open" ? open : state, reason, retryAtMs };
  }

  #identify(user: User | undefined) {
    // Rooms and pending messages belong to the person who was signed in before.
    if (this.#user && this.#user.id !== user?.id) {
      this.#closeRooms();
      this.#outbox.clear(signedOut());
    }
    this.#setUser(user);
    this.#connection.disconnect("signed_out");
    this.connect();
  }

  readonly #isInUse = () => !this.#isClosed && this.session.getSnapshot().signedIn;

  readonly #setUser = (user: User | undefined) => {
    this.#user = user;
    if (user && !this.#isClosed) this.#outbox.restore(user.id);
  };

  async #opened() {
    // Rooms have to know which messages are the person's own before they show any.
    await this.session.me().then(this.#setUser, ({ code, status }: ProblemError) => {
      // An access key may lack the scope for it.
      if (status !== 403) this.#connection.lose(code);
    });
    if (!this.#connection.isOpen) return;
    this.#rooms.forEach((room) => room.opened());
    this.#outbox.flush();
    this.#observed.changed();
  }

  #receive(frame: ServerFrame) {
    if ("notification" in frame) {
      // The notification may be out of date: the server knows whether we are a participant now.
      this.#rooms.get("chat" in frame ? frame.chat.id : frame.chat_id)?.sync.join();
    } else if ("chat_id" in frame && !/^(chat_(activity|changed)|mention)$/.test(frame.type)) {
      this.#rooms.get(frame.chat_id ?? 0)?.sync.receive(frame);
    }
    for (const listener of this.#frameListeners) queueMicrotask(() => listener(frame));
  }

  #openRoom(chatId: number): OpenRoom {
    if (this.#rooms.size >= roomsMax) throw new RangeError("Too many rooms are open.");
    const room = new OpenRoom({
      ...this.#shared,
      chatId,
      api: this.api,
      outbox: this.#outbox,
      ownId: () => this.#user?.id,
      onState: this.#observed.changed,
      onClose: () => this.#rooms.delete(chatId),
    });
    this.#rooms.set(chatId, room);
    room.sync.join();
    return room;
  }

  #closeRooms() {
    this.#rooms.forEach((room) => room.close());
  }
}
