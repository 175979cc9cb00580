// Keeps what happens in a chat from the sockets of people who are not in it any more. A socket that follows a chat without
// having joined it does not read the chat's numbers, and another server may have removed its person a moment ago. So a text
// passes only if this server knows who is in the chat as of its number, or else once it has read that again.
import type { Logger } from "pino";

const retryMs = 500;
/** Texts of one chat that wait for a reading. Beyond it the oldest is dropped. */
const waitingMax = 256;

/** The number of a chat's log that a text belongs to. */
export interface LogPosition {
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

/** All followers of a chat are known to be in it as of these numbers of its log; -1: that is not known. */
interface Known {
  /** The number of the last change of the chat or of its people. */
  readonly members: number;
  /** The number up to which the log was read. */
  readonly lastSeq: number;
}

interface Reading {
  /** People whose sockets have begun to follow the chat meanwhile, and as of which number each was in it. */
  readonly arrived: Map<number, number>;
  readonly waiting: { position: LogPosition; send: () => void }[];
}

const unknown = -1;

export class FollowerGate {
  readonly #parts: FollowerGateParts;
  /** Chats that are followed. */
  readonly #known = new Map<number, Known>();
  readonly #readings = new Map<number, Reading>();

  constructor(parts: FollowerGateParts) {
    this.#parts = parts;
  }

  /** Calls `send`, now or soon, when nobody follows the chat who was removed from it up to the position. Calls are made in order. */
  pass(chatId: number, position: LogPosition, send: () => void): void {
    if (!this.#parts.hasFollowers(chatId)) return send();
    const current = this.#readings.get(chatId);
    if (!current && isKnown(this.#known.get(chatId), position)) return send();
    const reading: Reading = current ?? { arrived: new Map(), waiting: [] };
    reading.waiting.push({ position, send });
    if (reading.waiting.length > waitingMax) reading.waiting.shift();
    if (!current) void this.#read(chatId, reading);
  }

  /**
   * A socket follows a chat.
   * @param members the number of a change of the chat or of its people as of which the person is in it; undefined if it is not known
   */
  followed(chatId: number, userId: number, members = unknown): void {
    this.#readings.get(chatId)?.arrived.set(userId, members);
    const known = this.#known.get(chatId);
    if (!known || known.members > members || known.lastSeq > members) {
      this.#known.set(chatId, asOf(known ?? { members, lastSeq: members }, [members]));
    }
  }

  /** Nobody follows the chat any more. */
  forget(chatId: number): void {
    this.#known.delete(chatId);
  }

  async #read(chatId: number, reading: Reading): Promise<void> {
    const { read, followersOf, hasFollowers, log } = this.#parts;
    const { arrived, waiting } = reading;
    this.#readings.set(chatId, reading);
    while (waiting.length > 0) {
      const followers = followersOf(chatId);
      if (followers.length === 0) {
        waiting.length = 0;
        break;
      }
      arrived.clear();
      const { members = unknown } = this.#known.get(chatId) ?? {};
      try {
        const found = await read(chatId, members === unknown ? undefined : members);
        if (!found) waiting.length = 0;
        else this.#learn(chatId, arrived, followers, found);
      } catch (error) {
        log.warn({ err: error, chatId }, "a chat's people could not be read yet");
        await Bun.sleep(retryMs);
      }
      while (waiting[0] && isKnown(this.#known.get(chatId), waiting[0].position))
        waiting.shift()?.send();
    }
    this.#readings.delete(chatId);
    if (!hasFollowers(chatId)) this.#known.delete(chatId);
  }

  #learn(
    chatId: number,
    arrived: ReadonlyMap<number, number>,
    followers: readonly Follower[],
    { lastSeq, members, userIds }: ChatMembers,
  ): void {
    for (const follower of userIds ? followers : []) {
      const { userId } = follower;
      if (!userIds?.has(userId) && !arrived.has(userId)) follower.unfollow(chatId);
    }
    // People who have arrived may have been found in the chat before they were removed, or have been invited again since.
    this.#known.set(chatId, asOf({ members, lastSeq }, [...arrived.values()]));
  }
}

/** Returns the numbers as of which all people are known, if some of them are known as of `numbers`: the lowest. */
function asOf({ members, lastSeq }: Known, numbers: readonly number[]): Known {
  return { members: Math.min(members, ...numbers), lastSeq: Math.min(lastSeq, ...numbers) };
}

function isKnown(known: Known | undefined, { seq, members }: LogPosition): boolean {
  if (!known) return false;
  return seq <= known.lastSeq || (members !== undefined && members <= known.members);
}
