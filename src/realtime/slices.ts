// The sockets that have joined a room, in slices. A frame is handed to the slices of a large room one after another, each
// in a turn of the event loop of its own, so that thousands of deliveries do not hold up everybody else. Every socket
// receives the same frames in the same order as if each of them were handed to all sockets at once.
import type { Listener } from "./listener.ts";
import { chatTopic, type Topic } from "./topics.ts";

/** A delivery takes 4 to 8 µs, so that a turn with one frame takes about 2 ms. */
const defaultSizeMax = 250;
/** Frames that may wait for some of the slices. One more, and all of them are handed to all slices at once. */
const waitingMax = 256;

export interface Slice {
  /** Its sockets are subscribed to it. */
  readonly topic: Topic;
  readonly listeners: ReadonlySet<Listener>;
}

interface OwnSlice extends Slice {
  readonly listeners: Set<Listener>;
  /** The number of the last frame that was handed to it. */
  handed: number;
}

export class Slices {
  readonly #chatId: number;
  readonly #sizeMax: number;
  /** The first one is never removed. */
  readonly #slices: OwnSlice[];
  #nextId = 0;
  /** The texts that are left to be handed to some of the slices, oldest first. */
  #waiting: ((slice: Slice) => void)[] = [];
  /** The number of the newest frame, counted from 1 in this room. */
  #newest = 0;
  #turn: ReturnType<typeof setImmediate> | undefined;

  /** @param sizeMax sockets in one slice */
  constructor(chatId: number, sizeMax = defaultSizeMax) {
    this.#chatId = chatId;
    this.#sizeMax = sizeMax;
    this.#slices = [this.#create()];
  }

  /** Every slice's topic. */
  get topics(): Topic[] {
    return this.#slices.map(({ topic }) => topic);
  }

  /** Hands something to every slice: to the first one now, to each further one in a later turn, after all before it. */
  hand(toSlice: (slice: Slice) => void): void {
    this.#newest += 1;
    this.#waiting.push(toSlice);
    if (this.#slices.length === 1 || this.#waiting.length > waitingMax) this.#finish();
    else if (this.#turn === undefined) this.#handOn();
  }

  /** Adds a socket, which receives what is handed over from now on. */
  add(listener: Listener): void {
    let slice = this.#slices.find(({ listeners }) => listeners.size < this.#sizeMax);
    if (slice === undefined) this.#slices.push((slice = this.#create()));
    this.#handTo(slice);
    slice.listeners.add(listener);
    listener.subscribe(slice.topic);
  }

  /** Removes a socket, which receives nothing that is handed over from now on. */
  remove(listener: Listener): void {
    const slice = this.#sliceOf(listener);
    if (slice === undefined) return;
    this.#handTo(slice);
    slice.listeners.delete(listener);
    listener.unsubscribe(slice.topic);
    const place = this.#slices.indexOf(slice);
    if (slice.listeners.size === 0 && place > 0) this.#slices.splice(place, 1);
  }

  /** Hands to a socket what it still lacks, so that a frame that is sent to it alone comes after that. */
  catchUp(listener: Listener): void {
    const slice = this.#sliceOf(listener);
    if (slice !== undefined) this.#handTo(slice);
  }

  /** Hands to every slice what it still lacks. */
  #finish(): void {
    for (const slice of this.#slices) this.#handTo(slice);
    clearImmediate(this.#turn);
    this.#turn = undefined;
    this.#waiting = [];
  }

  #create(): OwnSlice {
    const topic = chatTopic(this.#chatId, this.#nextId);
    this.#nextId += 1;
    return { topic, listeners: new Set(), handed: this.#newest };
  }

  #sliceOf(listener: Listener): OwnSlice | undefined {
    return this.#slices.find(({ listeners }) => listeners.has(listener));
  }

  #handOn(): void {
    this.#turn = undefined;
    this.#handTo(this.#oldest());
    const lacking = this.#newest - this.#oldest().handed;
    this.#waiting = lacking > 0 ? this.#waiting.slice(-lacking) : [];
    if (lacking > 0) this.#turn = setImmediate(() => this.#handOn());
  }

  /** The slice that lacks most. */
  #oldest(): OwnSlice {
    return this.#slices.reduce((oldest, slice) => (slice.handed < oldest.handed ? slice : oldest));
  }

  #handTo(slice: OwnSlice): void {
    const lacking = this.#newest - slice.handed;
    slice.handed = this.#newest;
    if (lacking === 0) return;
    for (const toSlice of this.#waiting.slice(-lacking)) toSlice(slice);
  }
}
