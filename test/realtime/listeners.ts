// Rooms whose sockets are kept in the test: what each was sent, in order.
import { LocalRealtime } from "../../src/realtime/local-realtime.ts";
import type { Listener } from "../../src/realtime/listener.ts";
import { Rooms } from "../../src/realtime/rooms.ts";
import {
  chatTopic,
  mergedName,
  type Emit,
  type MergedSockets,
  type Topic,
} from "../../src/realtime/topics.ts";
import { chatId, createLog, frame, silent } from "./frames.ts";

type Log = ReturnType<typeof createLog>;

export interface RoomsOptions {
  /** Participants of the chat. */
  memberCount?: number;
  /** Sockets in one slice. */
  sliceMax?: number;
}

export function startRooms(log: Log, { memberCount = 2, sliceMax }: RoomsOptions = {}) {
  const subscribers = new Map<string, Set<TestListener>>();
  const listeners: TestListener[] = [];
  const mergedSockets: MergedSockets = {
    listen: (topic) => (subscribers.get(mergedName(topic))?.size ?? 0) > 0,
    emitMerged(topic, text) {
      for (const listener of subscribers.get(mergedName(topic)) ?? []) listener.send(text());
    },
    sendMerged(userIds, text) {
      for (const listener of listeners) {
        if (listener.isMerged && userIds.includes(listener.userId)) listener.send(text);
      }
    },
  };
  const emit: Emit = (topic, text, merged = () => text) => {
    for (const listener of subscribers.get(topic.name) ?? []) listener.send(text);
    mergedSockets.emitMerged(topic, merged);
  };
  const toFollowers = (_chatId: number, _mark: unknown, send: () => void) => send();
  const rooms = new Rooms({
    emit,
    toFollowers,
    mergedSockets,
    readLog: log.read,
    log: silent,
    sliceMax,
  });
  const realtime = new LocalRealtime({
    rooms,
    emit,
    toFollowers,
    mergedSockets,
    together: (work) => work(),
    notify(userId, { text }) {
      for (const listener of listeners) {
        if (listener.userId === userId) listener.send(text);
      }
    },
  });
  return {
    rooms,
    realtime,
    listener(userId: number, isMerged = false) {
      const listener = new TestListener(userId, subscribers, isMerged);
      listeners.push(listener);
      return listener;
    },
    /** Joins as an action does: enters, reads how far the log reaches, finishes. */
    async join(listener: TestListener, members = memberCount): Promise<boolean> {
      const entrance = rooms.enter(chatId, listener);
      return await entrance.finish({ lastSeq: log.lastSeq, memberCount: members }, (state) =>
        listener.greet(log.lastSeq, state),
      );
    },
  };
}

export function startWorld(lastSeq = 0, options: RoomsOptions = {}) {
  const log = createLog(lastSeq);
  const started = startRooms(log, options);
  /** Commits the next number and hands its frame to the room. */
  const publish = (next: (number: number) => ReturnType<typeof frame> = frame) => {
    log.lastSeq += 1;
    started.realtime.toRoom(next(log.lastSeq));
  };
  return { ...started, log, publish };
}

type Started = ReturnType<typeof startWorld>;

/** A join that is stopped when it has read the log. */
export function begin({ rooms, log }: Started, listener: ReturnType<Started["listener"]>) {
  const entrance = rooms.enter(chatId, listener);
  const lastSeq = log.lastSeq;
  return {
    get keptFrom() {
      return entrance.keptFrom;
    },
    finish: entrance.finish,
    cancel: entrance.cancel,
    end: () =>
      entrance.finish({ lastSeq, memberCount: 2 }, (state) => listener.greet(lastSeq, state)),
  };
}

export class TestListener implements Listener {
  open = true;
  isHidden = false;
  readonly joined = new Set<number>();
  readonly sent: Record<string, unknown>[] = [];

  constructor(
    readonly userId: number,
    private readonly subscribers: Map<string, Set<TestListener>>,
    readonly isMerged: boolean,
  ) {}

  get username() {
    return `user${this.userId}`;
  }

  setHidden(isHidden: boolean) {
    this.isHidden = isHidden;
  }

  setQuietChats() {}

  mayReceive() {
    return true;
  }

  send(text: string) {
    this.sent.push(JSON.parse(text));
  }

  cork(work: () => void) {
    work();
  }

  subscribe(topic: Topic) {
    this.subscribers.getOrInsertComputed(this.#nameOf(topic), () => new Set()).add(this);
  }

  unsubscribe(topic: Topic) {
    this.subscribers.get(this.#nameOf(topic))?.delete(this);
  }

  #nameOf(topic: Topic): string {
    return this.isMerged ? mergedName(topic) : topic.name;
  }

  get hearsTheRoom(): boolean {
    return this.subscribers.get(chatTopic(chatId, 0).name)?.has(this) ?? false;
  }

  /** Sends `joined` and the replay, as an action does to somebody who has joined. */
  greet(lastSeq: number, { missed, ...state }: { missed: string[] | undefined; position: number }) {
    this.sent.push({ type: "joined", lastSeq, ...state });
    for (const text of missed ?? []) this.send(text);
  }

  /** Numbers of durable frames, and the types of all others. */
  get heard(): unknown[] {
    return this.sent.map((frame) => frame.updated_seq ?? frame.type);
  }
}
