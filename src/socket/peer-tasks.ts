import type { Ctx } from "../context.ts";
import type { Peers } from "../realtime/peers.ts";
import { every } from "../schedule.ts";
import { catchUp } from "./log-check.ts";
import type { Memberships } from "./memberships.ts";

/** Durations in milliseconds. */
export interface PeerDurations {
  /** Between two beats of the rooms in which something was numbered, and between two signs of life, for other servers. */
  beatMs: number;
  aliveMs: number;
  /** Between two comparisons of the rooms with their logs while the bus between servers is away. */
  awayCheckMs: number;
}

export const defaultPeerDurations: PeerDurations = {
  beatMs: 400,
  aliveMs: 1_000,
  awayCheckMs: 1_000,
};

/** Joins the other servers. @returns a stop for each recurring task */
export function startPeerTasks(
  { ctx, memberships, peers }: { ctx: Ctx; memberships: Memberships; peers: Peers },
  times: PeerDurations,
): (() => void)[] {
  const { log } = ctx;
  peers.start(() => void catchUp(ctx, memberships));
  return [
    every(times.beatMs, "beats of active rooms", log, () => peers.beat()),
    every(times.aliveMs, "sign of life", log, () => peers.tellAlive()),
    every(times.awayCheckMs, "log check without the bus", log, async () => {
      if (peers.bus === "away") await catchUp(ctx, memberships);
    }),
  ];
}
