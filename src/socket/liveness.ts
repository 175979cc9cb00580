// Closes sockets that nobody uses any more or may use any more.
import { backpressureBytesMax, closeSocket } from "./sending.ts";
import type { Socket } from "./session.ts";

/** Milliseconds in which a socket without a token in its address must send an `auth` frame. */
const defaultAuthTimeoutMs = 5_000;
/**
 * Milliseconds that a frame may run. PostgreSQL ends a statement after 15 s, but says nothing when it hangs, or when its machine is
 * suddenly gone.
 */
const defaultFrameTimeoutMs = 30_000;
/** Sockets that one look closes, so that people don't all come back at once to a database that is slow. */
const stuckClosedMax = 50;

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
 * Closes sockets whose frame runs for too long, or whose token has not been looked up in time. Their clients come back, perhaps
 * to another server, and repeat it.
 */
export function closeStuck(
  sockets: Iterable<Socket>,
  nowMs: number,
  frameTimeoutMs = defaultFrameTimeoutMs,
): void {
  let closed = 0;
  for (const ws of sockets) {
    if (closed >= stuckClosedMax) return;
    const detail = stuckOn(ws, nowMs, frameTimeoutMs);
    if (detail === undefined || ws.readyState !== WebSocket.OPEN) continue;
    closeSocket(ws, "unavailable", detail);
    closed += 1;
  }
}

/** @returns what the socket has waited for for too long; undefined if it waits for nothing, or for its own peer */
function stuckOn({ data }: Socket, nowMs: number, frameTimeoutMs: number): string | undefined {
  const { inbox, opening, openedAtMs, drained } = data;
  if (inbox) {
    // A frame also waits for a peer that reads slowly.
    if (drained || inbox.runningMs < frameTimeoutMs) return undefined;
    return "a frame took too long, and may be carried out nevertheless";
  }
  // Without a frame, it is the token of the address that is being looked up.
  if (!opening || openedAtMs + frameTimeoutMs > nowMs) return undefined;
  return "signing in took too long";
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

/** Bun closes a socket whose peer does not read and gives no reason, so those with full buffers are noted beforehand. */
export function noteSlowReaders(sockets: Iterable<Socket>): void {
  for (const ws of sockets) {
    const isFull = ws.getBufferedAmount() > backpressureBytesMax / 2;
    if (isFull && ws.data.log) ws.data.log.endedBy ??= "too_slow";
  }
}
