// The port for the bus between servers: live messages by subject, each server getting those that it asks for. It may lose
// everything at any time, since what must last is in the database.

/** `away`: nothing goes through, or nobody can tell whether it does. */
export type BusState = "up" | "away";

export interface BusHandlers {
  onMessage(subject: string, payload: Uint8Array): void;
  /** Called at every change, and at the first connection. */
  onState(state: BusState): void;
}

export interface Bus {
  readonly state: BusState;
  /** Bytes of the largest message that the bus takes. */
  readonly payloadBytesMax: number;
  /** Subjects that this server gets the messages of. */
  readonly subscriptionCount: number;
  /** Connects, and reconnects for ever. Called once. */
  start(handlers: BusHandlers): void;
  /** Sends to all other servers that have subscribed to a subject. Never throws; while the bus is away, the message is lost. */
  publish(subject: string, payload: Uint8Array): void;
  /** Lasts over reconnections. A second call for the same subject does nothing. */
  subscribe(subject: string): void;
  unsubscribe(subject: string): void;
  /**
   * Settles when the bus has taken all subscriptions and messages that were made before, or after `timeoutMs`, or at once
   * while it is away.
   * @returns whether it has taken them
   */
  flush(timeoutMs: number): Promise<boolean>;
  stop(): Promise<void>;
}
