import type { BusState } from "../bus/bus.ts";

/** The other nodes. They look into the database for what they are told of here, so that a message that is lost delays it only. */
export interface PeerServers {
  /** The state of the bus; undefined where there is none. */
  readonly bus: BusState | undefined;
  /** Sessions have ended. */
  sessionsEnded(ids: readonly string[]): void;
  /** Somebody has asked in the database for an answer to stop, which another node runs. */
  stopRequested(chatId: number, messageId: number): void;
  /** A person's read position in a chat has moved. */
  readMoved(chatId: number, userId: number): void;
}

/** There are none, or they look for everything by themselves. */
export const noPeers: PeerServers = {
  bus: undefined,
  sessionsEnded() {},
  stopRequested() {},
  readMoved() {},
};
