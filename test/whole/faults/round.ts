// The definition of a fault, and the round in which it is played.
import type { Block } from "./block.ts";
import type { Figures } from "./figures.ts";
import type { Mix } from "./mix.ts";
import type { Random } from "./random.ts";
import type { Stage } from "./stage.ts";

const untilMsMax = 8_000;

export interface Round {
  block: Block;
  random: Random;
  figures: Figures;
  /** The number of the round in its block, from 0. */
  index: number;
  awayMs: number;
}

export interface Fault<S extends Stage> {
  mix?: Partial<Mix>;
  play: (stage: S, round: Round) => Promise<void>;
}

/** Lets the load run for a while, for how long is part of the decisions. */
export async function load({ random }: Round, msMin: number, msMax: number) {
  await Bun.sleep(random.int(msMin, msMax));
}

/** Settles when something holds, or after a while. */
export async function until(holds: () => Promise<boolean>) {
  const deadline = performance.now() + untilMsMax;
  while (performance.now() < deadline && !(await holds())) await Bun.sleep(20);
}
