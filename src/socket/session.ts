// One socket: the data that it carries, how it is sent to and closed, and the person it belongs to.
import type { ServerWebSocket } from "bun";
import type { Caller, Identity } from "../accounts/access-tokens.ts";
import { allowedActivity, allowsFrame } from "../accounts/grants.ts";
import type { Listener } from "../realtime/listener.ts";
import type { ChatsOf } from "../log/chats-of-people.ts";
import { activityTopic, mergedName, type Topic } from "../realtime/topics.ts";
import type { PersonalFrame } from "../wire/scopes.ts";
import { DelayedLeaves } from "./delayed-leaves.ts";
import type { Followers } from "./followers.ts";
import type { Inbox } from "./inbox.ts";
import { JoinedChats } from "./joined-chats.ts";
import { LeftChats } from "./left-chats.ts";
import { sendText, type SendMetrics } from "./sending.ts";
import type { SocketLog } from "./socket-log.ts";

/** The data of a socket: `ws.data`. */
export interface SocketData {
  readonly address: string;
  /** The network that is counted as one address. */
  readonly network: string;
  /** The reason for closing the socket as soon as it is open; undefined if it stays open. */
  readonly refusal: string | undefined;
  /** Id of the request that opened the socket; cleared when it has been logged. */
  requestId: string | undefined;
  readonly openedAtMs: number;
  /** Settles when the token that opens the socket has been checked; undefined when none is being checked. */
  opening: Promise<void> | undefined;
  /** Token from the query string; cleared when its check begins. */
  token: string | undefined;
  /** Whether the address asks for lean frames whatever its token is. */
  readonly wantsFlat: boolean;
  session: SocketSession | undefined;
  inbox: Inbox | undefined;
  /** Called when the peer has read enough of what was sent; undefined while no frame of the peer waits for that. */
  drained: (() => void) | undefined;
  /** Whether anything came from the peer since the last heartbeat. */
  alive: boolean;
  /** Undefined until the socket is open. */
  log: SocketLog | undefined;
  /** Lets the next socket be opened; undefined once this one has signed in, or need not. */
  letNextIn: (() => void) | undefined;
}

export type Socket = ServerWebSocket<SocketData>;

interface SessionOptions {
  identity: Identity;
  metrics: SendMetrics;
  /** See {@link Listener}. */
  isMerged: boolean;
  followers: Followers<Socket>;
}

/** A socket whose person is known. */
export class SocketSession implements Listener {
  readonly joined = new JoinedChats();
  readonly isMerged: boolean;
  /** Replaced when an `auth` frame renews the session. */
  identity: Identity;
  #isHidden = false;
  #hiddenReadAtMs = -Infinity;
  readonly #ws: Socket;
  readonly #metrics: SendMetrics;
  readonly #followers: Followers<Socket>;
  /** The chats whose activity it follows. */
  #followed: number[] = [];
  /**
   * Chats that the person was removed from. A list of chats that was read before may still name them,
   * and a room may still hold the socket.
   */
  #leftChats: LeftChats | undefined;
  /** See {@link Listener.setQuietChats}. */
  #quietChats: ReadonlySet<number> | undefined;
  #quietReadAtMs = -Infinity;

  #leaving: DelayedLeaves | undefined;

  constructor(ws: Socket, { identity, metrics, isMerged, followers }: SessionOptions) {
    this.#ws = ws;
    this.isMerged = isMerged;
    this.identity = identity;
    this.#metrics = metrics;
    this.#followers = followers;
  }

  get userId(): number {
    return this.identity.id;
  }
  get username(): string {
    return this.identity.username;
  }

  get caller(): Caller {
    // No frame is recorded in the audit, so sockets don't keep the User-Agent of their clients.
    return { ...this.identity, source: { address: this.#ws.data.address, userAgent: null } };
  }

  get network(): string {
    return this.#ws.data.network;
  }

  get isHidden(): boolean {
    return this.#isHidden;
  }

  setHidden(isHidden: boolean, readAtMs: number): void {
    if (readAtMs < this.#hiddenReadAtMs) return;
    this.#hiddenReadAtMs = readAtMs;
    this.#isHidden = isHidden;
  }

  setQuietChats(chatIds: readonly number[], readAtMs: number): void {
    if (readAtMs < this.#quietReadAtMs) return;
    this.#quietReadAtMs = readAtMs;
    const before = this.#quietChats ?? [];
    this.#quietChats = chatIds.length > 0 ? new Set(chatIds) : undefined;
    for (const chatId of chatIds) this.unsubscribe(activityTopic(chatId));
    const loud = [...before].filter((chatId) => !this.#quietChats?.has(chatId));
    this.followAll(unknownAt(loud));
  }

  mayReceive(type: PersonalFrame["type"], chatId?: number): boolean {
    return allowsFrame(this.identity.grant, type, chatId);
  }

  get open(): boolean {
    return this.#ws.readyState === WebSocket.OPEN;
  }

  /** Settles when the session has been looked up, which closes the socket if it has ended; undefined when it has been. */
  get opening(): Promise<void> | undefined {
    return this.#ws.data.opening;
  }

  send(text: string): void {
    sendText(this.#ws, this.#metrics, text);
  }

  cork(work: () => void): void {
    this.#ws.cork(work);
  }

  subscribe(topic: Topic): void {
    if (topic.audience === "activity") this.#followActivity(unknownAt([topic.chatId]));
    else this.#ws.subscribe(this.#nameOf(topic));
  }

  unsubscribe(topic: Topic): void {
    const { audience, chatId } = topic;
    if (audience === "chat") this.#ws.unsubscribe(this.#nameOf(topic));
    else if (this.#followed.includes(chatId)) {
      this.#followed = this.#followed.filter((id) => id !== chatId);
      this.#followers.remove(chatId, this, this.#ws);
    }
  }

  /** Calls `leave` in a moment, unless the chat is joined again until then. */
  leaveLater(chatId: number, delayMs: number, leave: () => void): void {
    if (!this.joined.has(chatId) || this.#leaving?.has(chatId)) return;
    (this.#leaving ??= new DelayedLeaves()).add(chatId, delayMs, leave);
  }

  /** Takes back {@link leaveLater}. */
  stay(chatId: number): void {
    this.#leaving?.cancel(chatId);
  }

  /** The socket has closed. */
  end(): void {
    this.#leaving?.cancelAll();
    for (const chatId of this.#followed) this.#followers.remove(chatId, this, this.#ws);
    this.#followed = [];
  }

  /**
   * Subscribes to the activity of the chats that the person is in.
   */
  followAll(chats: ChatsOf): void {
    this.#followActivity(chats, (chatId) => !this.joined.has(chatId));
  }

  /**
   * Subscribes to the activity of these chats, which are all that the person is in, and ends the other subscriptions.
   * @returns the chats that it has joined and that are not among them
   */
  followOnly(chats: ChatsOf): number[] {
    for (const id of chats.keys()) this.#leftChats?.delete(id);
    for (const id of this.#followed) if (!chats.has(id)) this.unfollow(id);
    const ended = [...this.joined].filter((id) => !chats.has(id));
    // Its rooms learn of the removal from their log; a `leave` before that must not subscribe to the activity.
    for (const id of ended) this.unfollow(id);
    this.followAll(chats);
    return ended;
  }

  /** Subscribes to the activity of a chat, also of one that the person was removed from before. */
  follow(chatId: number): void {
    this.#leftChats?.delete(chatId);
    // The invitation may be older than a removal that is known.
    if (!this.joined.has(chatId)) this.#followActivity(unknownAt([chatId]));
  }

  /** Ends the subscription to a chat's activity, until {@link follow}. */
  unfollow(chatId: number): void {
    (this.#leftChats ??= new LeftChats()).add(chatId);
    this.unsubscribe(activityTopic(chatId));
  }

  #nameOf(topic: Topic): string {
    return this.isMerged ? mergedName(topic) : topic.name;
  }

  #followActivity(chats: ChatsOf, isWanted = (_: number) => true): void {
    if (!this.open) return;
    const wanted = allowedActivity(this.identity.grant, [...chats.keys()]).filter(
      (id) => isWanted(id) && !this.#leftChats?.has(id) && !this.#quietChats?.has(id),
    );
    const added = [...new Set(wanted).difference(new Set(this.#followed))];
    for (const id of added) this.#followers.add(id, this, this.#ws);
    this.#followed = [...this.#followed, ...added];
    for (const id of wanted) this.#followers.note(id, this.userId, chats.get(id));
  }
}

function unknownAt(chatIds: readonly number[]): ChatsOf {
  return new Map(chatIds.map((chatId) => [chatId, undefined]));
}
