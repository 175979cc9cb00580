// Signing a socket in with the token of its address or of its first frame.
import { identify, listSessionChats } from "../accounts/authentication.ts";
import { ExpiredToken } from "../accounts/access-tokens.ts";
import type { Ctx } from "../context.ts";
import { asProblem } from "../http/problems.ts";
import { Problem } from "../wire/problems.ts";
import type { SocketRegistry } from "./registry.ts";
import { closeSocket } from "./sending.ts";
import { SocketSession, type Socket } from "./session.ts";

/**
 * Signs the socket in, or closes it. `ws.data.opening` is set meanwhile. Never throws.
 * @param isInAddress whether the token stood in the address: with an access token, the socket is a merged one then
 */
export function openSession(
  ctx: Ctx,
  sockets: SocketRegistry,
  ws: Socket,
  token: string,
  { isInAddress }: { isInAddress: boolean },
): Promise<void> {
  // A ticket has no dot.
  const isMerged = isInAddress && token.includes(".") && !ws.data.wantsFlat;
  const opening = authenticate(ctx, sockets, ws, { token, isMerged }).finally(() => {
    ws.data.opening = undefined;
  });
  ws.data.opening = opening;
  return opening;
}

async function authenticate(
  ctx: Ctx,
  sockets: SocketRegistry,
  ws: Socket,
  { token, isMerged }: { token: string; isMerged: boolean },
): Promise<void> {
  try {
    const identity = await identify(ctx, token, ws.data);
    const { refusal } = await ctx.rateLimits.take("connects", { userId: identity.id });
    if (ws.readyState !== WebSocket.OPEN) return;
    if (refusal) {
      closeSocket(ws, "rate_limited", refusal.detail);
      return;
    }
    const session = new SocketSession(ws, {
      identity,
      metrics: ctx.telemetry.metrics,
      isMerged,
      followers: sockets.followers,
    });
    if (!sockets.claim(ws, session)) {
      closeSocket(ws, "too_many_sockets", "close another socket of this account first");
      return;
    }
    const counted = sockets.counts?.changed(session.userId);
    const readAtMs = performance.now();
    const { chats, quietChatIds, isHidden } = await listSessionChats(ctx, identity);
    session.setHidden(isHidden, readAtMs);
    session.setQuietChats(quietChatIds, readAtMs);
    session.followAll(chats);
    await counted;
  } catch (error) {
    const problem = socketProblem(ctx, ws, error);
    if (problem instanceof ExpiredToken) closeSocket(ws, "token_expired", problem.detail);
    else if (problem.code === "invalid_token") closeSocket(ws, "invalid_token", problem.detail);
    else closeSocket(ws, "unavailable", problem.detail);
  }
}

/** The problem that a client is told of an error. An unexpected error is logged with the number of the socket. */
export function socketProblem(ctx: Ctx, ws: Socket, error: unknown): Problem {
  return error instanceof Problem ? error : asProblem(ws.data.log?.logger ?? ctx.log, error);
}
