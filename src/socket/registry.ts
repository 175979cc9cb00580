// The open sockets of this node: their people, their limits, and the ways to reach, check and close them.
import type { Server } from "bun";
import type { Metrics } from "../observability/metrics/metrics.ts";
import { itemsOf, withItem, withoutItem, type CompactList } from "../realtime/compact-list.ts";
import { activityTopic, mergedName, type MergedSockets, type Topic } from "../realtime/topics.ts";
import type { CloseReason } from "../wire/close-codes.ts";
import type { UserNotice } from "../realtime/local-realtime.ts";
import type { Counting } from "./count-queries.ts";
import { Followers } from "./followers.ts";
import { GatheredTexts } from "./gathered-texts.ts";
import { checkSessions, closeStuck, noteSlowReaders, pingOrCutOff } from "./liveness.ts";
import { Removals } from "./removals.ts";
import { closeSocket, writeText } from "./sending.ts";
import { SocketCounts } from "./socket-counts.ts";
import type { Socket, SocketData, SocketSession } from "./session.ts";

/** The part of Bun's server that sends to topics. */
type Publisher = Pick<Server<SocketData>, "publish" | "subscriberCount">;

/** The web client of the FastAPI server leaves and joins its chats each time that its list of them changes. */
const defaultLeaveDelayMs = 1_000;

export interface RegistryOptions {
  /** 0 for no limit, as in {@link perAddressMax}. */
  perUserMax: number;
  perAddressMax: number;
  metrics: Pick<Metrics, "framePublished" | "frameDropped">;
  /** See {@link checkSessions}. */
  authTimeoutMs?: number | undefined;
  /** See {@link closeStuck}. */
  frameTimeoutMs?: number | undefined;
  /** Called with sockets whose person is known. */
  presence: { connected(session: SocketSession): void; disconnected(session: SocketSession): void };
  /** Milliseconds after which the `leave` of a merged socket takes effect. */
  leaveDelayMs?: number | undefined;
  /** See {@link Removals}. */
  removalDoubtMs?: number | undefined;
  /** Counts the sockets of people over all servers; undefined where each server counts by itself. */
  counting?: Counting | undefined;
  /** The first socket of a person was signed in, or the last one has closed. */
  onPerson?: ((userId: number, isHere: boolean) => void) | undefined;
}

export class SocketRegistry implements MergedSockets {
  /** See {@link RegistryOptions}. */
  readonly leaveDelayMs: number;
  readonly followers = new Followers<Socket>();
  /** The texts that followers are sent. */
  readonly gathered: GatheredTexts;
  readonly removals: Removals;
  readonly counts: SocketCounts | undefined;
  readonly #options: RegistryOptions;
  readonly #all = new Set<Socket>();
  readonly #byUser = new Map<number, CompactList<Socket>>();
  readonly #countByNetwork = new Map<string, number>();
  #mergedCount = 0;
  #empty: PromiseWithResolvers<void> | undefined;
  #server: Publisher | undefined;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.gathered = new GatheredTexts(options.metrics);
    this.leaveDelayMs = options.leaveDelayMs ?? defaultLeaveDelayMs;
    const socketsOf = (userId: number) => itemsOf(this.#byUser.get(userId));
    this.removals = new Removals(socketsOf, options.removalDoubtMs);
    this.counts = options.counting && new SocketCounts({ ...options.counting, socketsOf });
  }

  /** From now on frames go out through this server. */
  attach(server: Publisher): void {
    this.#server = server;
  }

  get size() {
    return this.#all.size;
  }

  /** @returns false when the address has as many sockets as it may */
  add(ws: Socket): boolean {
    const { network } = ws.data;
    const count = this.#countByNetwork.get(network) ?? 0;
    const { perAddressMax } = this.#options;
    if (perAddressMax > 0 && count >= perAddressMax) return false;
    this.#countByNetwork.set(network, count + 1);
    this.#all.add(ws);
    return true;
  }

  /** Gives the socket to its person. @returns false when the person has as many sockets as they may */
  claim(ws: Socket, session: SocketSession): boolean {
    const { perUserMax } = this.#options;
    const sockets = this.#byUser.get(session.userId);
    if (perUserMax > 0 && itemsOf(sockets).length >= perUserMax) return false;
    this.#byUser.set(session.userId, withItem(sockets, ws));
    if (sockets === undefined) this.#options.onPerson?.(session.userId, true);
    if (session.isMerged) this.#mergedCount += 1;
    ws.data.session = session;
    this.removals.applyTo(session);
    this.#options.presence.connected(session);
    return true;
  }

  remove(ws: Socket): void {
    if (!this.#all.delete(ws)) return;
    if (this.#all.size === 0) this.#empty?.resolve();
    const { network, session } = ws.data;
    const count = (this.#countByNetwork.get(network) ?? 1) - 1;
    if (count > 0) this.#countByNetwork.set(network, count);
    else this.#countByNetwork.delete(network);
    if (!session) return;
    session.end();
    this.#options.presence.disconnected(session);
    void this.counts?.changed(session.userId);
    if (session.isMerged) this.#mergedCount -= 1;
    const others = withoutItem(this.#byUser.get(session.userId), ws);
    if (others) return void this.#byUser.set(session.userId, others);
    this.#byUser.delete(session.userId);
    this.#options.onPerson?.(session.userId, false);
  }

  /** Hands a text to all sockets that are subscribed to a topic. See {@link Emit}. */
  emit(topic: Topic, text: string, merged: () => string = () => text): void {
    this.#publish(topic, topic.name, text);
    this.emitMerged(topic, merged);
  }

  listen(topic: Topic): boolean {
    return this.#mergedCount > 0 && this.#counterOf(topic)(mergedName(topic)) > 0;
  }

  emitMerged(topic: Topic, text: () => string): void {
    if (this.listen(topic)) this.#publish(topic, mergedName(topic), text());
  }

  sendMerged(userIds: number[], text: string): void {
    for (const session of userIds.flatMap((userId) => this.listenersOf(userId))) {
      if (session.isMerged) session.send(text);
    }
  }

  /**
   * Hands a frame to all sockets of a person, which follow the chat that it brings, unless the person is being removed from it,
   * or unfollow the one that it ends.
   */
  notify(userId: number, { type, chatId, text, opens, ends }: UserNotice): void {
    const { metrics } = this.#options;
    const sockets = itemsOf(this.#byUser.get(userId));
    const follows = opens !== undefined && !this.removals.noteInvited(userId, opens);
    metrics.framePublished("user", "", () => sockets.length);
    for (const ws of sockets) {
      const { session } = ws.data;
      if (follows) session?.follow(opens);
      if (ends !== undefined) session?.unfollow(ends);
      // A topic of each person would take a kilobyte.
      if (session?.mayReceive(type, chatId)) writeText(ws, metrics, text);
    }
  }

  listenersOf(userId: number): SocketSession[] {
    return itemsOf(this.#byUser.get(userId)).flatMap(({ data }) => data.session ?? []);
  }

  /** The sockets that follow the activity of a chat. */
  followersOf(chatId: number): SocketSession[] {
    const topic = activityTopic(chatId);
    const sockets = [topic.name, mergedName(topic)].flatMap((name) => this.followers.of(name));
    return sockets.flatMap(({ data }) => data.session ?? []);
  }

  /** See {@link Removals.begin}. */
  beginRemoval(userId: number, chatId: number): ReturnType<Removals["begin"]> {
    return this.removals.begin(userId, chatId);
  }

  /** The people who have a socket. */
  userIds(): Iterable<number> {
    return this.#byUser.keys();
  }

  /** The sessions that sockets are open for. */
  sessionIds(): string[] {
    const ids = Array.from(this.#all, ({ data }) => data.session?.identity.sessionId);
    return [...new Set(ids.filter((id) => id !== undefined))];
  }

  /** Closes every socket that one of these sessions has opened or renewed. */
  disconnectSessions(sessionIds: readonly string[]): void {
    if (sessionIds.length === 0) return;
    const ended = new Set(sessionIds);
    for (const ws of this.#all) {
      const { session } = ws.data;
      if (session && ended.has(session.identity.sessionId)) {
        closeSocket(ws, "revoked", "this session has ended");
      }
    }
  }

  /** See {@link Removals.reconnect}. */
  disconnectUser(userId: number): void {
    this.removals.reconnect(userId);
  }

  /** See {@link checkSessions} and {@link closeStuck}. */
  checkSessions(nowMs: number): void {
    checkSessions(this.#all, nowMs, this.#options.authTimeoutMs);
    closeStuck(this.#all, nowMs, this.#options.frameTimeoutMs);
  }

  /** See {@link pingOrCutOff}. */
  heartbeat(): number {
    return pingOrCutOff(this.#all);
  }

  /** Settles when all are closed, which a peer that doesn't answer can hold up for long. */
  async closeAll(reason: CloseReason, detail: string): Promise<void> {
    for (const ws of this.#all) closeSocket(ws, reason, detail);
    if (this.#all.size > 0) await (this.#empty ??= Promise.withResolvers()).promise;
  }

  /** Frames that wait in the inboxes of all sockets. */
  waitingFrames(): number {
    return this.#all.values().reduce((sum, ws) => sum + (ws.data.inbox?.waitingCount ?? 0), 0);
  }

  /** Settles when no frame of any socket is being handled. */
  async idle(): Promise<void> {
    await Promise.all(Array.from(this.#all, (ws) => ws.data.inbox?.idle()));
  }

  // Fields: the metrics take one of them as a function, for every frame.
  readonly #countSubscribers = (topic: string): number => this.#server?.subscriberCount(topic) ?? 0;
  readonly #countFollowers = (topic: string): number => this.followers.count(topic);
  readonly #counterOf = ({ audience }: Topic) =>
    audience === "activity" ? this.#countFollowers : this.#countSubscribers;

  #publish(topic: Topic, name: string, text: string): void {
    const { metrics } = this.#options;
    metrics.framePublished(topic.audience, name, this.#counterOf(topic));
    if (topic.audience === "activity") {
      for (const ws of this.followers.of(name)) this.gathered.write(ws, text);
      return;
    }
    // 0 also where nobody is subscribed.
    if (this.#server?.publish(name, text) === 0 && this.#countSubscribers(name) > 0) {
      metrics.frameDropped("slow_reader");
      noteSlowReaders(this.#all);
    }
  }
}
