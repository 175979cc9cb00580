// A person who is connected to this server.
import { itemsOf, type CompactList } from "../realtime/compact-list.ts";
import type { OwnStatus, PresenceStatus } from "../wire/presence.ts";

/** A socket whose person is known. */
export interface PresenceSocket {
  readonly userId: number;
  /** False once it has closed. */
  readonly open: boolean;
  send(text: string): void;
}

export interface Person {
  sockets: CompactList<PresenceSocket>;
  /** The sockets whose clients report the person as away; undefined for none. */
  away: Set<PresenceSocket> | undefined;
  activeAtMs: number;
  /** When the last socket closed; undefined while there is one. */
  goneAtMs: number | undefined;
  /** Runs while the person has no socket but still counts as connected. */
  hold: ReturnType<typeof setTimeout> | undefined;
  /** The status that the database has; undefined if that is not known. */
  written: PresenceStatus | undefined;
}

export const newPerson = (): Person => ({
  sockets: undefined,
  away: undefined,
  activeAtMs: 0,
  goneAtMs: undefined,
  hold: undefined,
  written: undefined,
});

/** @param claim undefined for a socket that has closed */
export function setClaim(
  person: Person,
  socket: PresenceSocket,
  claim: OwnStatus | undefined,
): void {
  if (claim === "away") (person.away ??= new Set()).add(socket);
  else person.away?.delete(socket);
  if (person.away?.size === 0) person.away = undefined;
}

/** Whether none of a person's clients has sent a frame for so long. */
export function isIdle({ activeAtMs }: Person, nowMs: number, idleMs: number): boolean {
  return nowMs - activeAtMs >= idleMs;
}

export function statusOf(person: Person, nowMs: number, idleMs: number): PresenceStatus {
  const sockets = itemsOf(person.sockets);
  if (sockets.length === 0) return "offline";
  const isAway =
    isIdle(person, nowMs, idleMs) || sockets.every((socket) => person.away?.has(socket));
  return isAway ? "away" : "online";
}
