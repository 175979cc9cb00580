// A person who is connected to this server.
import type { OwnStatus, PresenceStatus } from "../wire/presence.ts";

/** A socket whose person is known. */
export interface PresenceSocket {
  readonly userId: number;
  /** False once it has closed. */
  readonly open: boolean;
  send(text: string): void;
}

export interface Person {
  /** The status that each client has claimed. */
  readonly sockets: Map<PresenceSocket, OwnStatus>;
  activeAtMs: number;
  /** When the last socket closed; undefined while there is one. */
  goneAtMs: number | undefined;
  /** Runs while the person has no socket but still counts as connected. */
  hold: ReturnType<typeof setTimeout> | undefined;
  /** The status that the database has; undefined if that is not known. */
  written: PresenceStatus | undefined;
}

export const newPerson = (): Person => ({
  sockets: new Map(),
  activeAtMs: 0,
  goneAtMs: undefined,
  hold: undefined,
  written: undefined,
});

/** Whether none of a person's clients has sent a frame for so long. */
export function isIdle({ activeAtMs }: Person, nowMs: number, idleMs: number): boolean {
  return nowMs - activeAtMs >= idleMs;
}

export function statusOf(person: Person, nowMs: number, idleMs: number): PresenceStatus {
  if (person.sockets.size === 0) return "offline";
  const isAway =
    isIdle(person, nowMs, idleMs) || person.sockets.values().every((claim) => claim === "away");
  return isAway ? "away" : "online";
}
