import type { Random } from "./random.ts";

/** The direction of a message: `up` goes to the server. */
export type Direction = "up" | "down";

/** Probabilities from 0 to 1 of what happens to a text message of a socket; at most one of them happens to a message. */
export interface SocketFaults {
  /** The message does not arrive. */
  drop: number;
  /** The message arrives twice. */
  double: number;
  /** The message and all later ones are delayed by up to `delayMsMax`, as in a slow network. */
  delay: number;
  /** The message is delayed by up to `delayMsMax`, and later ones overtake it: a server might do this, a network does not. */
  reorder: number;
  /** The connection is broken without a close frame, before or after the message has passed. */
  cut: number;
  /** The longest delay in milliseconds. */
  delayMsMax: number;
  /** Selects the messages that faults may happen to. Default: all */
  concerns(text: string, direction: Direction): boolean;
}

export const faultNames = ["drop", "double", "delay", "reorder", "cut"] as const;
export type FaultName = (typeof faultNames)[number];

/** The number of messages that each fault has happened to. */
export type FaultCounts = Record<FaultName, number>;

export const noFaults: SocketFaults = {
  drop: 0,
  double: 0,
  delay: 0,
  reorder: 0,
  cut: 0,
  delayMsMax: 20,
  concerns: () => true,
};

/** Decides which fault happens to a message, if any. */
export function chooseFault(
  faults: SocketFaults,
  random: Random,
  text: string,
  direction: Direction,
): FaultName | undefined {
  let lot = random.next();
  if (!faults.concerns(text, direction)) return undefined;
  for (const fault of faultNames) {
    lot -= faults[fault];
    if (lot < 0) return fault;
  }
  return undefined;
}
