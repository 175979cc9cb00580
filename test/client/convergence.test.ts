import { expect, test } from "bun:test";
import { startWorld } from "../world/world.ts";
import { playStory, saidBy } from "./convergence.ts";

const seed = process.env.FAULTS_SEED ?? crypto.randomUUID().slice(0, 8);
const size = {
  messages: Number(process.env.CLIENT_FAULTS_MESSAGES ?? 300),
  reconnects: Number(process.env.CLIENT_FAULTS_RECONNECTS ?? 30),
};

test(`whatever is lost on the way, everybody ends with what a fresh load shows (FAULTS_SEED=${seed})`, async () => {
  const world = await startWorld();
  try {
    const started = performance.now();
    const outcome = await playStory(world, { seed, ...size });
    console.log(
      Math.round(performance.now() - started),
      outcome.counts,
      outcome.reconnects,
      outcome.fresh.messages.length,
      outcome.fresh.chat,
    );
    expect(outcome.results.filter(({ ok }) => !ok)).toEqual([]);
    expect(outcome.reconnects).toBeGreaterThanOrEqual(size.reconnects);
    for (const shown of outcome.seen) expect(shown).toEqual(outcome.fresh);
    for (const [name, written] of outcome.written) {
      expect(saidBy(outcome.fresh.messages, name)).toEqual(written);
    }
  } finally {
    await world.stop();
  }
}, 120_000);
