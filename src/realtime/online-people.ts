// The people who have joined a room, and the frames that tell of those who come and go.
import { onlineMax, type Present, type PresenceChangedFrame } from "../wire/frames.ts";
import { presenceFrame } from "../wire/numbered-frames.ts";
import { itemsOf, withItem, withoutItem, type CompactList } from "./compact-list.ts";
import type { Listener, RoomElsewhere } from "./listener.ts";
import { PeopleElsewhere } from "./people-elsewhere.ts";
import { PresenceChanges } from "./presence-changes.ts";
import type { z } from "zod";

const defaultIntervalMs = 1_000;

export interface OnlinePeopleOptions {
  chatId: number;
  /** Sends to everybody who has joined. */
  emit: (text: string) => void;
  /** Sends to everybody else who has joined. */
  emitToOthers: (userId: number, frame: ReturnType<typeof presenceFrame>) => void;
  /** The same room on other servers, which are told of people who are not hidden. */
  elsewhere?: Pick<RoomElsewhere, "moved" | "leftHeldMs"> | undefined;
  /** Milliseconds in which a large room gets at most one frame. */
  intervalMs?: number | undefined;
}

export class OnlinePeople {
  readonly #options: OnlinePeopleOptions;
  /** The sockets by person. */
  readonly #sockets = new Map<number, CompactList<Listener>>();
  /** The people whose presence is hidden. */
  readonly #hidden = new Set<number>();
  /** The people who have joined on other servers. */
  readonly #elsewhere = new PeopleElsewhere();
  #isLarge = false;
  readonly #changes = new PresenceChanges();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: OnlinePeopleOptions) {
    this.#options = options;
  }

  /** Whether nobody has joined on this server. */
  get isEmpty(): boolean {
    return this.#sockets.size === 0;
  }

  get userIds(): number[] {
    return [...this.#sockets.keys()];
  }

  get sockets(): Listener[] {
    return [...this.#sockets.values()].flatMap(itemsOf);
  }

  get socketCount(): number {
    return this.#sockets.values().reduce((count, sockets) => count + itemsOf(sockets).length, 0);
  }

  /** Whether a person has joined, on this server or on another one. */
  has(userId: number): boolean {
    return this.#sockets.has(userId) || this.#elsewhere.has(userId);
  }

  socketsOf(userId: number): readonly Listener[] {
    return itemsOf(this.#sockets.get(userId));
  }

  /** @param memberCount participants of the chat; above `onlineMax`, those who come and go are gathered from now on */
  resize(memberCount: number): void {
    this.#isLarge = memberCount > onlineMax;
  }

  /** Adds a socket. The room is told if it is the first of a person who is not hidden. */
  add(listener: Listener): void {
    const { userId } = listener;
    const sockets = this.#sockets.get(userId);
    if (sockets) {
      if (!itemsOf(sockets).includes(listener))
        this.#sockets.set(userId, withItem(sockets, listener));
      return;
    }
    if (listener.isHidden) this.#hidden.add(userId);
    else if (!this.isEmpty && !this.#elsewhere.has(userId)) this.#tell(listener, true);
    this.#sockets.set(userId, listener);
    if (!listener.isHidden) this.#moved(listener, true);
  }

  /** Removes a socket. The room is told if it was the last of a person who is not hidden. @returns false if it had not joined */
  remove(listener: Listener): boolean {
    const sockets = this.#sockets.get(listener.userId);
    if (!itemsOf(sockets).includes(listener)) return false;
    const others = withoutItem(sockets, listener);
    if (others) {
      this.#sockets.set(listener.userId, others);
      return true;
    }
    this.#sockets.delete(listener.userId);
    const wasHidden = this.#hidden.delete(listener.userId);
    if (!wasHidden) this.#moved(listener, false);
    if (this.isEmpty) this.close();
    else if (!wasHidden && !this.#elsewhere.has(listener.userId)) this.#tell(listener, false);
    return true;
  }

  /** Notes that a person has joined on another server, or left there. The room is told unless they are here, or on a third one. */
  moveElsewhere(
    server: string,
    person: { userId: number; username: string },
    isThere: boolean,
  ): void {
    if (!this.#elsewhere.move(server, person, isThere) || this.isEmpty) return;
    const { userId } = person;
    const isShown = this.#sockets.has(userId) && !this.#hidden.has(userId);
    if (!isShown) this.#tell(person, isThere);
  }

  /** Tells the others of a person whose sockets are hidden now, or no longer. */
  updateHidden(userId: number): void {
    const [first] = this.socketsOf(userId);
    if (!first || first.isHidden === this.#hidden.has(userId)) return;
    if (first.isHidden) this.#hidden.add(userId);
    else this.#hidden.delete(userId);
    this.#moved(first, !first.isHidden);
    if (!this.#elsewhere.has(userId)) this.#tell(first, !first.isHidden);
  }

  /** The people for the greeting of somebody who has joined: at most `onlineMax`, that person among them. */
  greet(userId: number): { online: Present[]; onlineCount: number } {
    const online: Present[] = [];
    const own = this.#presentOf(userId);
    for (const id of this.#ids()) {
      if (online.length === onlineMax) break;
      const person = this.#presentOf(id);
      if (person && (id === userId || this.#isShown(id))) online.push(person);
    }
    const isShown = online.some(({ user_id }) => user_id === userId);
    if (own && !isShown) online[online.length - 1] = own;
    this.#changes.greeted(online.filter(({ user_id }) => user_id !== userId));
    const isOnlyOwn = this.#hidden.has(userId) && !this.#elsewhere.has(userId);
    return { online, onlineCount: this.#shownCount + (isOnlyOwn ? 1 : 0) };
  }

  /** People here who are not hidden. Other servers know only these. */
  shownHere(): { userId: number; username: string }[] {
    const here = [...this.#sockets].filter(([userId]) => !this.#hidden.has(userId));
    return here.flatMap(([userId, sockets]) =>
      itemsOf(sockets)
        .slice(0, 1)
        .map(({ username }) => ({ userId, username })),
    );
  }

  /** Forgets everybody and tells nobody. */
  close(): void {
    this.#sockets.clear();
    this.#hidden.clear();
    this.#changes.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #presentOf(userId: number): Present | undefined {
    const [first] = this.socketsOf(userId);
    const username = first?.username ?? this.#elsewhere.nameOf(userId);
    return username === undefined ? undefined : { user_id: userId, username };
  }

  #isShown(userId: number): boolean {
    return !this.#hidden.has(userId) || this.#elsewhere.has(userId);
  }

  *#ids(): Generator<number> {
    yield* this.#sockets.keys();
    for (const id of this.#elsewhere.userIds) if (!this.#sockets.has(id)) yield id;
  }

  /** People who are shown, on whatever server. */
  get #shownCount(): number {
    const isShownHere = (id: number) => this.#sockets.has(id) && !this.#hidden.has(id);
    const both = this.#elsewhere.countOf(isShownHere);
    return this.#sockets.size - this.#hidden.size + this.#elsewhere.size - both;
  }

  #moved(person: { userId: number; username: string }, isHere: boolean): void {
    const { chatId, elsewhere } = this.#options;
    elsewhere?.moved(chatId, person, isHere);
  }

  /** Tells a small room at once, unless it waits whether somebody comes back, and a large one from time to time. */
  #tell(person: { userId: number; username: string }, isOnline: boolean): void {
    const { intervalMs = defaultIntervalMs, elsewhere } = this.#options;
    const heldMs = this.#isLarge ? intervalMs : (elsewhere?.leftHeldMs ?? 0);
    // The gathered changes must not be overtaken when the room has become a small one.
    const isGathered = elsewhere ? this.#changes.has(person.userId) : this.#changes.size > 0;
    if (!this.#isLarge && !isGathered && (isOnline || heldMs === 0)) {
      return this.#tellOne(person, isOnline);
    }
    this.#changes.add(person, isOnline, heldMs);
    this.#timer ??= setTimeout(() => this.#flush(), this.#isLarge ? intervalMs : heldMs);
  }

  #tellOne(person: { userId: number; username: string }, isOnline: boolean): void {
    const { chatId, emit, emitToOthers } = this.#options;
    const frame = presenceFrame(isOnline ? "user_joined" : "user_left", chatId, person);
    // Sockets of somebody who is hidden, or on several servers, receive no frame about themselves.
    if (this.#sockets.has(person.userId)) emitToOthers(person.userId, frame);
    else emit(JSON.stringify(frame));
  }

  #flush(): void {
    const { intervalMs = defaultIntervalMs, elsewhere } = this.#options;
    const isSmall = !this.#isLarge && elsewhere !== undefined;
    if (isSmall) {
      for (const { isOnline, ...person } of this.#changes.takeDue())
        this.#tellOne(person, isOnline);
    } else this.#tellGathered();
    const isOver = this.#changes.size === 0;
    const nextMs = isSmall ? elsewhere.leftHeldMs / 4 : intervalMs;
    this.#timer = isOver ? undefined : setTimeout(() => this.#flush(), nextMs);
  }

  #tellGathered(): void {
    const { chatId, emit } = this.#options;
    const frame: z.infer<typeof PresenceChangedFrame> = {
      type: "presence_changed",
      chat_id: chatId,
      joined: this.#changes.take(true),
      left: this.#changes.take(false),
      online_count: this.#shownCount,
    };
    if (frame.joined.length + frame.left.length > 0) emit(JSON.stringify(frame));
  }
}
