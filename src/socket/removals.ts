// Removals of people from chats that are under way. Such a person's sockets get no activity of the chat before the statement
// has come to its end: the reply to a message that is stored after the removal may overtake the reply to the removal.
import { closeSocket } from "./sending.ts";
import type { Socket, SocketSession } from "./session.ts";

interface Removal {
  /** Requests that remove the person at the same time. */
  requests: number;
  /** The person was told of an invitation to the chat meanwhile. It may be older than the removal, or newer. */
  isInvited: boolean;
}

/**
 * A statement whose reply was lost goes on without its connection: it waits up to 2 s for the lock of the chat, and is committed
 * then.
 */
const defaultDoubtMs = 5_000;

export class Removals {
  readonly #socketsOf: (userId: number) => Iterable<Socket>;
  readonly #doubtMs: number;
  readonly #byUser = new Map<number, Map<number, Removal>>();
  /** People of whom a removal has begun or ended, or who were told of an invitation, since {@link forgetChanged}. */
  readonly #changed = new Set<number>();
  /** People of whom a removal has ended whose outcome is not known. */
  readonly #unsure = new Set<number>();

  /** @param doubtMs milliseconds for which a removal stays in force whose reply was lost */
  constructor(socketsOf: (userId: number) => Iterable<Socket>, doubtMs = defaultDoubtMs) {
    this.#socketsOf = socketsOf;
    this.#doubtMs = doubtMs;
  }

  /**
   * Ends the subscriptions of a person's sockets to a chat's activity.
   * @returns ends the removal, after a success or a failure. If an invitation was sent meanwhile, the sockets are closed, and
   * load the person's chats when they reconnect. A removal that is in doubt stays in force until it has been committed, or never
   * will be.
   */
  begin(userId: number, chatId: number): (end: { isInDoubt: boolean }) => void {
    const removals = this.#byUser.getOrInsertComputed(userId, () => new Map());
    const removal = removals.getOrInsertComputed(chatId, () => ({ requests: 0, isInvited: false }));
    removal.requests += 1;
    this.#changed.add(userId);
    for (const ws of this.#socketsOf(userId)) ws.data.session?.unfollow(chatId);
    const release = () => {
      removal.requests -= 1;
      this.#changed.add(userId);
      if (removal.requests > 0) return;
      removals.delete(chatId);
      if (removals.size === 0) this.#byUser.delete(userId);
      if (removal.isInvited) this.reconnect(userId);
    };
    return ({ isInDoubt }) => {
      if (!isInDoubt) return release();
      setTimeout(() => {
        this.#unsure.add(userId);
        release();
      }, this.#doubtMs);
    };
  }

  /** The people whose chats have to be looked up because of a removal in doubt, since the last call. */
  takeUnsure(): ReadonlySet<number> {
    const unsure = new Set(this.#unsure);
    this.#unsure.clear();
    return unsure;
  }

  /** Keeps a socket that opens from subscribing to the chats that its person is being removed from. */
  applyTo(session: SocketSession): void {
    for (const chatId of this.#byUser.get(session.userId)?.keys() ?? []) session.unfollow(chatId);
  }

  /** Notes an invitation. @returns whether the person is being removed from that chat */
  noteInvited(userId: number, chatId: number): boolean {
    this.#changed.add(userId);
    const removal = this.#byUser.get(userId)?.get(chatId);
    if (removal) removal.isInvited = true;
    return removal !== undefined;
  }

  /** Begins a reading of people's chats from the database. */
  forgetChanged(): void {
    this.#changed.clear();
  }

  /** Whether this server may know more of a person's chats than was read since {@link forgetChanged}. */
  isChanging(userId: number): boolean {
    return this.#changed.has(userId) || this.#byUser.has(userId);
  }

  /** Closes every socket of a person. Their clients reconnect, and their subscriptions are read again. */
  reconnect(userId: number): void {
    for (const ws of this.#socketsOf(userId)) {
      closeSocket(ws, "unavailable", "reconnect, and catch up");
    }
  }
}
