// Access tokens that this server has verified and sessions that it has just found live, so that a person's next requests need
// neither a signature check nor a query.
import type { Ctx, Identity, SessionCache } from "../context.ts";

/** A session that another server has ended is refused within this. */
const liveMs = 1_000;
/** Limit of the tokens, and of the sessions; beyond it the oldest is forgotten. */
const sizeMax = 10_000;

export class RecentSessions implements SessionCache {
  readonly #identities = new Map<string, Identity>();
  /** When each session was last found live, in milliseconds since the epoch. */
  readonly #foundLiveAt = new Map<string, number>();

  findIdentity(token: string): Identity | undefined {
    return this.#identities.get(token);
  }

  rememberIdentity(token: string, identity: Identity): void {
    remember(this.#identities, token, identity);
  }

  isLive(sessionId: string, nowMs: number): boolean {
    const foundAt = this.#foundLiveAt.get(sessionId);
    return foundAt !== undefined && nowMs >= foundAt && nowMs - foundAt < liveMs;
  }

  rememberLive(sessionId: string, askedAtMs: number): void {
    remember(this.#foundLiveAt, sessionId, askedAtMs);
  }

  forgetLive(sessionId: string): void {
    this.#foundLiveAt.delete(sessionId);
  }
}

function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  const [oldest = key] = map.keys();
  if (map.size > sizeMax) map.delete(oldest);
}

/** Refuses further requests of sessions that have ended, on every server, and closes their sockets. */
export function endSessions(ctx: Ctx, sessionIds: readonly string[]): void {
  dropSessions(ctx, sessionIds);
  ctx.peers.sessionsEnded(sessionIds);
}

/** Refuses further requests of sessions that have ended, on this server only, and closes their sockets. */
export function dropSessions(ctx: Ctx, sessionIds: readonly string[]): void {
  for (const id of sessionIds) ctx.sessionCache.forgetLive(id);
  ctx.gateway.disconnectSessions(sessionIds);
}
