// The rooms in which this server has numbered something a moment ago. When a room falls silent, the other servers are told its
// newest number once more, so that they notice a last frame that was lost.
import type { BusLink } from "../bus/bus-link.ts";

/** Beats of a room after its last frame, any of which may be lost, too. */
const beatsOfRoom = 2;
/** Rooms that are remembered while the bus is away. Those beyond are found by the recurring look at the log. */
const roomsMax = 100_000;

export class ActiveRooms {
  readonly #link: BusLink;
  readonly #rosterOf: (chatId: number) => number;
  readonly #rooms = new Map<number, { seq: number; beats: number; isBusy: boolean }>();

  /** @param rosterOf the number of the last change of this server's own people in a chat */
  constructor(link: BusLink, rosterOf: (chatId: number) => number) {
    this.#link = link;
    this.#rosterOf = rosterOf;
  }

  /** @param seq the number of a frame; 0 where only people came or went */
  note(chatId: number, seq: number): void {
    const room = this.#rooms.get(chatId);
    if (room) {
      room.seq = Math.max(room.seq, seq);
      room.beats = beatsOfRoom;
      room.isBusy = true;
    } else if (this.#rooms.size < roomsMax) {
      this.#rooms.set(chatId, { seq, beats: beatsOfRoom, isBusy: true });
    }
  }

  /** Sends a beat of every active room that was silent since the last call; while the bus is away, they stay active. A recurring task calls it. */
  beat(): void {
    if (this.#link.bus.state !== "up") return;
    for (const [chat, room] of this.#rooms) {
      const { isBusy } = room;
      room.isBusy = false;
      // The next frame tells the same.
      if (isBusy) continue;
      this.#link.send(this.#link.subjects.of("chat", chat), {
        ...{ kind: "beat", chat, seq: room.seq },
        roster: this.#rosterOf(chat),
      });
      room.beats -= 1;
      if (room.beats === 0) this.#rooms.delete(chat);
    }
  }
}
