// The rooms of this node. A room exists only while somebody has joined or is joining.
import type { Entrance, Listener, RoomElsewhere, RoomParts } from "./listener.ts";
import { Room } from "./room.ts";

export class Rooms {
  readonly #rooms = new Map<number, Room>();
  readonly #parts: RoomParts;
  #elsewhere: RoomElsewhere | undefined;

  constructor(parts: RoomParts) {
    this.#parts = parts;
  }

  /** From now on rooms that open are shared with other servers. */
  share(elsewhere: RoomElsewhere): void {
    this.#elsewhere = elsewhere;
  }

  find(chatId: number): Room | undefined {
    return this.#rooms.get(chatId);
  }

  /** Begins a join. See {@link Room.enter}. */
  enter(chatId: number, listener: Listener): Entrance {
    return this.#rooms.getOrInsertComputed(chatId, () => this.#open(chatId)).enter(listener);
  }

  /** See {@link Room.rejoined}. */
  rejoined(chatId: number, listener: Listener): ReturnType<Room["rejoined"]> {
    return this.#rooms.get(chatId)?.rejoined(listener);
  }

  /** Removes a listener that stays in the chat. See {@link Room.leave}. */
  leave(chatId: number, listener: Listener): void {
    this.#rooms.get(chatId)?.leave(listener);
  }

  /** Shows a person whose sockets are hidden now, or no longer, as gone or come, in every room that they have joined. */
  updateHidden(userId: number): void {
    for (const room of this.#rooms.values()) room.online.updateHidden(userId);
  }

  /** Removes all listeners of a deleted chat. @returns the people who had joined */
  end(chatId: number): number[] {
    const room = this.#rooms.get(chatId);
    this.#rooms.delete(chatId);
    return room?.end() ?? [];
  }

  /** The chats that somebody has joined or is joining. */
  chatIds(): number[] {
    return [...this.#rooms.keys()];
  }

  /** Counts rooms, their joined sockets, and frames that wait behind a gap. */
  counts(): { open: number; listeners: number; waitingFrames: number } {
    const counts = { open: this.#rooms.size, listeners: 0, waitingFrames: 0 };
    for (const room of this.#rooms.values()) {
      counts.listeners += room.online.socketCount;
      counts.waitingFrames += room.sequencer.waitingCount;
    }
    return counts;
  }

  /** Says how far a chat's log reaches, so that a frame that was lost is noticed and read from it. */
  expect(chatId: number, lastSeq: number): void {
    this.#rooms.get(chatId)?.sequencer.expect(lastSeq);
  }

  /** Calls back once all frames of a chat up to `seq`, to which its log reaches, are released on this node; at once if nobody has joined. */
  callAfter(chatId: number, seq: number, call: () => void): void {
    const room = this.#rooms.get(chatId);
    if (room) room.sequencer.callAfter(seq, call);
    else call();
  }

  /** The number up to which a chat's frames have been released on this node. */
  position(chatId: number): number | undefined {
    return this.#rooms.get(chatId)?.sequencer.position;
  }

  #open(chatId: number): Room {
    return new Room(chatId, { ...this.#parts, elsewhere: this.#elsewhere }, (room) => {
      if (this.#rooms.get(chatId) === room) this.#rooms.delete(chatId);
    });
  }
}
