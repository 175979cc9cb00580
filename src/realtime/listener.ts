// A room's view of the sockets that join it, and of the objects that it works with.
import type { Logger } from "pino";
import type { Metrics } from "../observability/metrics/metrics.ts";
import type { Present } from "../wire/frames.ts";
import type { MergedMessage } from "../wire/merged-frames.ts";
import type { NumberedFrame } from "../wire/numbered-frames.ts";
import type { PersonalFrame } from "../wire/scopes.ts";
import type { LogPosition } from "./follower-gate.ts";
import type { ReadLog } from "./sequencer.ts";
import type { Emit, MergedSockets, Topic } from "./topics.ts";

/** A socket, as far as a room knows it. */
export interface Listener {
  readonly userId: number;
  readonly username: string;
  /** Whether its frames carry the nested `message`. */
  readonly isMerged: boolean;
  /** Whether others in a room are not told that the person is there. */
  readonly isHidden: boolean;
  /**
   * Takes what was read of the person's setting.
   * @param readAtMs when the reading began; what an earlier one has found comes too late
   */
  setHidden(isHidden: boolean, readAtMs: number): void;
  /**
   * Takes the private chats whose activity the person is not told of, because the person has blocked the other one there.
   * @param readAtMs when the reading began; what an earlier one has found comes too late
   */
  setQuietChats(chatIds: readonly number[], readAtMs: number): void;
  /**
   * Whether the token that opened it allows a frame that reaches all sockets of its person.
   * @param chatId the chat that the frame is about, if it is about one
   */
  mayReceive(type: PersonalFrame["type"], chatId?: number): boolean;
  /** False once it has closed: it can no longer join. */
  readonly open: boolean;
  send(text: string): void;
  /** Everything sent within `work` goes out as one write. */
  cork(work: () => void): void;
  subscribe(topic: Topic): void;
  unsubscribe(topic: Topic): void;
  /** The chats it has joined; kept by the rooms. */
  readonly joined: {
    has(chatId: number): boolean;
    add(chatId: number): void;
    delete(chatId: number): void;
  };
}

/** The state of a room at the moment when a listener has joined it. */
export interface Joined {
  /** The number up to which frames were released. */
  position: number;
  /** The released frames above the number at which the log was read; undefined if they are more than are kept. */
  missed: string[] | undefined;
  /** The answers whose last frame was released. */
  ended: ReadonlySet<number>;
  /** At most `onlineMax` people, the listener's own among them, and nobody else who is hidden. */
  online: Present[];
  onlineCount: number;
}

/** A chat as far as its log was read for a join. */
export interface ReadChat {
  /** The room's number at which the log was read, at least `keptFrom` of the entrance. */
  lastSeq: number;
  /** Participants of the chat. */
  memberCount: number;
}

/** A join that has begun: from `Room.enter` on nothing of the room is missed. */
export interface Entrance {
  /** The number above which everything is kept. Another join that has read further may have opened the room. */
  readonly keptFrom: number;
  /** Settles when other servers' frames come to the room; undefined if they do, or there are no other servers. */
  readonly subscribed: Promise<unknown> | undefined;
  /**
   * Waits until the room has shown all that was read of its log, which it may lag behind, then adds the listener, in one
   * go with the texts that `greet` sends.
   * @returns false when the person was removed meanwhile, the chat was deleted, or the socket has closed
   */
  finish(chat: ReadChat, greet: (state: Joined) => void): Promise<boolean>;
  cancel(): void;
}

export interface RoomOptions {
  /** The number that an unnumbered frame must not overtake. */
  after?: number | undefined;
  /** The person whose sockets don't get an unnumbered frame. */
  exceptUserId?: number | undefined;
  /**
   * The unnumbered frame has a part of the state that `joined` has. People who are joining get it after their `joined`, whose
   * state may be older. It is sent after the number `after`.
   */
  isState?: boolean;
  /** The people whose sockets don't get a frame of the state. */
  exceptUserIds?: ReadonlySet<number>;
  /** The message that merged sockets are shown with a frame of an answer. */
  message?: (() => MergedMessage) | undefined;
  /** The frame was sent before, and comes again for those that may have missed it. */
  isRepeated?: boolean;
  /** The `members` of the {@link LogPosition} of a numbered frame. */
  members?: number | undefined;
  /** The answer that the frame is a piece of. */
  answer?: AnswerPiece;
}

/** The data about a piece of an answer that other servers need. */
export interface AnswerPiece {
  readonly messageId: number;
  /** The number of the server that runs the answer, among those that took it over one after the other. */
  readonly attempt: number;
  readonly createdAt: string;
  /** The chunk's position in the answer, and the length of the whole text with it, in UTF-16 units. */
  readonly offset: number;
  readonly length: number;
  /** Whether merged sockets are shown all text so far with it. */
  readonly isGrown: boolean;
}

export interface RoomParts {
  emit: Emit;
  /** See `FollowerGate.pass`. */
  toFollowers: (chatId: number, position: LogPosition, send: () => void) => void;
  mergedSockets: MergedSockets;
  /** Repairs gaps. */
  readLog: ReadLog<NumberedFrame>;
  log: Logger;
  metrics?: Pick<Metrics, "frameDropped" | "gapRead" | "roomJoined"> | undefined;
  /** See `SequencerOptions`. */
  gapMs?: number | undefined;
  /** Milliseconds in which a large room is told of people who come and go at most once. */
  presenceChangedMs?: number | undefined;
  /** See `Slices`. */
  sliceMax?: number | undefined;
  elsewhere?: RoomElsewhere | undefined;
}

/** The same room on other servers. */
export interface RoomElsewhere {
  /**
   * Milliseconds for which the room is not told that somebody has left, who may come back: nothing orders the arrival of a person on
   * one server and the departure from another.
   */
  readonly leftHeldMs: number;
  /** Somebody joins a room that nobody had joined here. @returns settles when this server receives its frames */
  opened(chatId: number): Promise<unknown>;
  /** Nobody has joined it here any more. */
  closed(chatId: number): void;
  /** The first socket of a person here has joined the room, or the last one has left it. Not of people who are hidden. */
  moved(chatId: number, person: { userId: number; username: string }, isHere: boolean): void;
  /** A numbered frame was released. */
  released(chatId: number, frame: NumberedFrame): void;
}
