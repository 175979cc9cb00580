// Who has joined which chat on this node, and the way of a frame to them. A room exists only while somebody
// has joined or is joining.
import type { Logger } from "pino";
import type { Metrics } from "../observability/metrics/metrics.ts";
import { isDurable, numberOf, type DurableFrame, type RoomFrame } from "../wire/frames.ts";
import { record, startRecording, type Recording } from "./join-buffer.ts";
import { createSequencer, type ReadLog, type Sequencer } from "./sequencer.ts";
import { activityTopic, chatTopic, type Emit, type Topic } from "./topics.ts";

/** A socket, as far as a room knows it. */
export interface Listener {
  readonly userId: number;
  readonly username: string;
  /** False once it has closed: it can no longer join. */
  readonly open: boolean;
  send(text: string): void;
  /** What is sent within goes out as one write. */
  cork(work: () => void): void;
  subscribe(topic: Topic): void;
  unsubscribe(topic: Topic): void;
  /** The chats it has joined; kept by the rooms. */
  readonly joined: Set<number>;
}

export interface Present {
  user_id: number;
  username: string;
}

/** A join on its way: from {@link Rooms.enter} on nothing of the room is missed. */
export interface Entrance {
  /** The number above which everything is kept. Another join that has read further may have opened the room. */
  readonly keptFrom: number;
  /**
   * Waits until the room has shown all that was read of its log, which it may lag behind, then takes the place among
   * the listeners, in one go with what `greet` sends.
   * @param lastSeq the room's number at which the log was read, at least `keptFrom`
   * @param greet is called with `position`, the number up to which frames were released, and `missed`, those of them
   * above `lastSeq`; undefined if they are more than are kept. `ended` are the answers whose last frame was released.
   * @returns false when the person was removed meanwhile, or the socket has closed
   */
  finish(
    lastSeq: number,
    greet: (state: {
      position: number;
      missed: string[] | undefined;
      ended: ReadonlySet<number>;
      online: Present[];
    }) => void,
  ): Promise<boolean>;
  cancel(): void;
}

export interface RoomOptions {
  /** A passing frame that must not overtake this number. */
  after?: number;
  /** A passing frame that this person's sockets don't get. */
  exceptUserId?: number;
}

interface Room {
  chatId: number;
  sequencer: Sequencer;
  listeners: Map<number, Set<Listener>>;
  recordings: Set<Recording>;
}

export type Rooms = ReturnType<typeof createRooms>;

/**
 * @param emit hands a text to all sockets that are subscribed to the topic
 * @param readLog repairs gaps
 */
export function createRooms({
  emit,
  readLog,
  log,
  metrics,
}: {
  emit: Emit;
  readLog: ReadLog;
  log: Logger;
  metrics?: Pick<Metrics, "frameDropped" | "gapRead" | "roomJoined">;
}) {
  const rooms = new Map<number, Room>();

  function open(chatId: number): Room {
    const room: Room = {
      chatId,
      listeners: new Map(),
      recordings: new Set(),
      sequencer: createSequencer({
        chatId,
        release: (frame) => release(room, frame),
        releasePassing: (text) => emit(chatTopic(chatId), text),
        readLog,
        log,
        metrics,
      }),
    };
    return room;
  }

  function start(room: Room, lastSeq: number) {
    if (room.sequencer.position !== undefined) return;
    for (const recording of room.recordings) recording.from = lastSeq;
    room.sequencer.start(lastSeq);
  }

  function release(room: Room, frame: DurableFrame) {
    const number = numberOf(frame);
    const text = JSON.stringify(frame);
    emit(chatTopic(room.chatId), text);
    for (const recording of room.recordings) record(recording, frame, text);
    if (frame.type === "participant_removed") evict(room, frame.user_id, number);
  }

  function evict(room: Room, userId: number, number: number) {
    for (const recording of room.recordings) {
      if (recording.userId === userId) recording.removedAt = number;
    }
    const sockets = room.listeners.get(userId) ?? [];
    for (const listener of [...sockets]) detach(room, listener);
  }

  function detach(room: Room, listener: Listener) {
    listener.unsubscribe(chatTopic(room.chatId));
    listener.joined.delete(room.chatId);
    const sockets = room.listeners.get(listener.userId);
    if (!sockets?.delete(listener)) return;
    if (sockets.size === 0) {
      room.listeners.delete(listener.userId);
      emitPresence(room, "user_left", listener);
    }
    closeIfEmpty(room);
  }

  function emitPresence(room: Room, type: "user_joined" | "user_left", listener: Listener) {
    const { userId: user_id, username } = listener;
    emit(chatTopic(room.chatId), JSON.stringify({ type, chat_id: room.chatId, user_id, username }));
  }

  function closeIfEmpty(room: Room) {
    if (room.listeners.size > 0 || room.recordings.size > 0) return;
    room.sequencer.close();
    if (rooms.get(room.chatId) === room) rooms.delete(room.chatId);
  }

  function attach(room: Room, listener: Listener) {
    const sockets = room.listeners.get(listener.userId);
    if (sockets) sockets.add(listener);
    else {
      emitPresence(room, "user_joined", listener);
      room.listeners.set(listener.userId, new Set([listener]));
    }
    listener.subscribe(chatTopic(room.chatId));
    listener.unsubscribe(activityTopic(room.chatId));
    listener.joined.add(room.chatId);
  }

  function online(room: Room): Present[] {
    return Array.from(room.listeners, ([user_id, sockets]) => {
      const [first] = sockets;
      return { user_id, username: first?.username ?? "" };
    });
  }

  return {
    /** Hands a frame to everyone who has joined the chat on this node; durable ones in the order of their numbers. */
    publish(chatId: number, frame: RoomFrame, { after, exceptUserId }: RoomOptions = {}) {
      const room = rooms.get(chatId);
      if (!room) return;
      if (isDurable(frame)) return room.sequencer.offer(frame);
      const text = JSON.stringify(frame);
      if (after !== undefined) return room.sequencer.offerAfter(after, text);
      if (exceptUserId === undefined) return emit(chatTopic(chatId), text);
      for (const [userId, sockets] of room.listeners) {
        if (userId !== exceptUserId) for (const listener of sockets) listener.send(text);
      }
    },

    /** Begins a join: from now on the room's frames are kept for the listener, which gets none until `finish`. */
    enter(chatId: number, listener: Listener): Entrance {
      const room = rooms.getOrInsertComputed(chatId, () => open(chatId));
      const recording = startRecording(listener.userId, room.sequencer.position ?? 0);
      room.recordings.add(recording);
      // A join repeated: what is live until then would come a second time with what is replayed.
      listener.unsubscribe(chatTopic(chatId));

      return {
        get keptFrom() {
          return recording.from;
        },
        async finish(lastSeq, greet) {
          start(room, lastSeq);
          await room.sequencer.reach(lastSeq);
          room.recordings.delete(recording);
          const { frames, ended, overflowed, removedAt = 0 } = recording;
          if (removedAt > lastSeq || !listener.open || rooms.get(chatId) !== room) {
            detach(room, listener);
            closeIfEmpty(room);
            return false;
          }
          attach(room, listener);
          metrics?.roomJoined();
          const missed = frames.filter(({ number }) => number > lastSeq).map(({ text }) => text);
          const position = room.sequencer.position ?? lastSeq;
          listener.cork(() =>
            greet({
              position,
              missed: overflowed ? undefined : missed,
              ended,
              online: online(room),
            }),
          );
          return true;
        },
        cancel() {
          room.recordings.delete(recording);
          detach(room, listener);
          closeIfEmpty(room);
        },
      };
    },

    /** The listener has heard enough: from now on it gets the chat's news only. */
    leave(chatId: number, listener: Listener) {
      const room = rooms.get(chatId);
      if (!room || !listener.joined.has(chatId)) return;
      detach(room, listener);
      if (listener.open) listener.subscribe(activityTopic(chatId));
    },

    /** The chat is gone: nobody listens to it any more. @returns who did */
    end(chatId: number): number[] {
      const room = rooms.get(chatId);
      if (!room) return [];
      const userIds = [...room.listeners.keys()];
      rooms.delete(chatId);
      for (const sockets of room.listeners.values()) {
        for (const listener of sockets) {
          listener.unsubscribe(chatTopic(chatId));
          listener.joined.delete(chatId);
        }
      }
      room.listeners.clear();
      room.sequencer.close();
      return userIds;
    },

    /** The chats that somebody has joined. */
    chatIds(): number[] {
      return [...rooms.keys()];
    },

    /** What is kept here: rooms, their joined sockets, and frames that wait for their turn. */
    counts() {
      const counts = { open: rooms.size, listeners: 0, waitingFrames: 0 };
      for (const { listeners, sequencer } of rooms.values()) {
        for (const sockets of listeners.values()) counts.listeners += sockets.size;
        counts.waitingFrames += sequencer.waitingCount;
      }
      return counts;
    },

    /** Says how far a chat's log reaches, so that a frame that was lost is noticed and read from it. */
    expect(chatId: number, lastSeq: number) {
      rooms.get(chatId)?.sequencer.expect(lastSeq);
    },

    /** The number up to which a chat's frames have been released on this node. */
    position(chatId: number): number | undefined {
      return rooms.get(chatId)?.sequencer.position;
    },
  };
}
