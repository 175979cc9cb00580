// Whether people want to be seen in the rooms that they have joined: a setting that each of their sockets knows.
import type { Ctx } from "../context.ts";
import { findUser } from "./user-queries.ts";

/** Applies a person's setting to their sockets on this server, after a change of it. */
export async function readVisibility(ctx: Ctx, userId: number): Promise<void> {
  const readAtMs = performance.now();
  const user = await findUser(ctx.sql, userId);
  if (user) applyVisibility(ctx, { userId, isHidden: user.presence === "invisible", readAtMs });
}

/** @param visibility what was read of the setting, and when the reading began, in the milliseconds of `performance.now()` */
export function applyVisibility(
  { gateway, realtime }: Ctx,
  { userId, isHidden, readAtMs }: { userId: number; isHidden: boolean; readAtMs: number },
): void {
  let hasChanged = false;
  for (const listener of gateway.listenersOf(userId)) {
    const wasHidden = listener.isHidden;
    listener.setHidden(isHidden, readAtMs);
    hasChanged ||= listener.isHidden !== wasHidden;
  }
  if (hasChanged) realtime.rooms.updateHidden(userId);
}
