// Keeps what happens in a chat from the sockets of people who are not in it any more. A socket that follows a chat without
// having joined it does not read the chat's numbers, and another server may have removed its person a moment ago. So a text
// passes only if this server knows who is in the chat as of its number, or else once it has read that again.
import type { Logger } from "pino";

const retryMs = 500;
/** Texts of one chat that wait for a reading. Beyond it the oldest is dropped. */
const waitingMax = 256;

/** The place of a text among a chat's numbers. */
export interface Mark {
  readonly seq: number;
  /** The number of the last change of the chat or of its people up to `seq`; undefined where that is not known. */
  readonly members?: number | undefined;
}

/** A socket that follows a chat. */
export interface Follower {
  readonly userId: number;
  unfollow(chatId: number): void;
}

export interface ChatMembers {
  lastSeq: number;
  /** The number of the last change of the chat or of its people. */
  members: number;
  /** Undefined if `members` is the number that was known before. */
  userIds: ReadonlySet<number> | undefined;
}

export interface FollowerGateParts {
  /** Reads a chat; undefined if there is none. @param known the number of the change up to which its people are known */
  read: (chatId: number, known: number | undefined) => Promise<ChatMembers | undefined>;
  followersOf: (chatId: number) => Follower[];
  hasFollowers: (chatId: number) => boolean;
  log: Logger;
}

interface Chat {
  /** All followers are known to be in the chat as of this change of its people, and as of `lastSeq`. */
  members: number | undefined;
  lastSeq: number;
  /** When that was known, in the milliseconds of `performance.now()`. */
  knownAtMs: number;
  isReading: boolean;
  /** People whose sockets have begun to follow the chat while it was being read. */
  readonly arrived: Set<number>;
  readonly waiting: { mark: Mark; send: () => void }[];
}

export class FollowerGate {
  readonly #parts: FollowerGateParts;
  readonly #chats = new Map<number, Chat>();

  constructor(parts: FollowerGateParts) {
    this.#parts = parts;
  }

  /** Calls `send`, now or soon, when nobody follows the chat who was removed from it up to the mark. In the order of the calls. */
  pass(chatId: number, mark: Mark, send: () => void): void {
    if (!this.#parts.hasFollowers(chatId)) return send();
    const chat = this.#chats.getOrInsertComputed(chatId, newChat);
    if (chat.waiting.length === 0 && isKnown(chat, mark)) return send();
    chat.waiting.push({ mark, send });
    if (chat.waiting.length > waitingMax) chat.waiting.shift();
    if (!chat.isReading) void this.#read(chatId, chat);
  }

  /**
   * A socket follows a chat.
   * @param readAtMs when the reading began that has found its person in the chat, in the milliseconds of `performance.now()`
   */
  followed(chatId: number, userId: number, readAtMs: number): void {
    const chat = this.#chats.get(chatId);
    if (!chat) return;
    if (chat.isReading) chat.arrived.add(userId);
    else if (readAtMs < chat.knownAtMs) chat.members = undefined;
  }

  /** Nobody follows the chat any more. */
  forget(chatId: number): void {
    if (this.#chats.get(chatId)?.isReading === false) this.#chats.delete(chatId);
  }

  async #read(chatId: number, chat: Chat): Promise<void> {
    const { read, followersOf, hasFollowers, log } = this.#parts;
    chat.isReading = true;
    while (chat.waiting.length > 0) {
      const followers = followersOf(chatId);
      if (followers.length === 0) {
        chat.waiting.length = 0;
        break;
      }
      chat.arrived.clear();
      try {
        const found = await read(chatId, chat.members);
        if (!found) chat.waiting.length = 0;
        else this.#learn(chatId, chat, followers, found);
      } catch (error) {
        log.warn({ err: error, chatId }, "a chat's people could not be read yet");
        await Bun.sleep(retryMs);
      }
      while (chat.waiting[0] && isKnown(chat, chat.waiting[0].mark)) chat.waiting.shift()?.send();
    }
    chat.isReading = false;
    if (!hasFollowers(chatId)) this.#chats.delete(chatId);
  }

  #learn(
    chatId: number,
    chat: Chat,
    followers: readonly Follower[],
    { lastSeq, members, userIds }: ChatMembers,
  ): void {
    for (const follower of userIds ? followers : []) {
      const { userId } = follower;
      if (!userIds?.has(userId) && !chat.arrived.has(userId)) follower.unfollow(chatId);
    }
    // Those who have arrived may have been found in the chat before they were removed, or be asked in again since.
    chat.members = chat.arrived.size > 0 ? undefined : members;
    chat.lastSeq = lastSeq;
    chat.knownAtMs = performance.now();
  }
}

function newChat(): Chat {
  const arrived = new Set<number>();
  return {
    ...{ members: undefined, lastSeq: 0, knownAtMs: 0 },
    ...{ isReading: false, arrived, waiting: [] },
  };
}

function isKnown(chat: Chat, { seq, members }: Mark): boolean {
  if (chat.members === undefined) return false;
  return seq <= chat.lastSeq || (members !== undefined && members <= chat.members);
}
