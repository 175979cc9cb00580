// Closes sockets that nobody uses any more or may use any more.
import { closeSocket } from "./sending.ts";
import type { Socket } from "./session.ts";

/** Milliseconds in which a socket without a token in its address must send an `auth` frame. */
const defaultAuthTimeoutMs = 5_000;

/** Closes sockets whose `auth` frame did not come in time, or whose token has expired. */
export function checkSessions(
  sockets: Iterable<Socket>,
  nowMs: number,
  authTimeoutMs = defaultAuthTimeoutMs,
): void {
  for (const ws of sockets) {
    const { session, opening, openedAtMs } = ws.data;
    if (session && session.identity.expiresAtMs <= nowMs) {
      closeSocket(ws, "token_expired", "renew it with an auth frame before it expires");
    } else if (!session && !opening && openedAtMs + authTimeoutMs <= nowMs) {
      closeSocket(ws, "invalid_token", "no auth frame came in time");
    }
  }
}

/**
 * Pings every peer and cuts off those that have been silent since the last call, which the kernel may still take for
 * connected.
 * @returns how many were cut off
 */
export function pingOrCutOff(sockets: Iterable<Socket>): number {
  let dead = 0;
  for (const ws of sockets) {
    if (ws.data.alive) {
      ws.data.alive = false;
      ws.ping();
    } else {
      dead += 1;
      if (ws.data.log) ws.data.log.endedBy ??= "dead";
      ws.terminate();
    }
  }
  return dead;
}
