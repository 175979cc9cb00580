// A short version of `bun run faults:client`.
import { expect } from "bun:test";
import { bothTest, isLong } from "../world/long.ts";
import { startWorld } from "../world/world.ts";
import { playStory, saidBy } from "./convergence.ts";

const seed = process.env.FAULTS_SEED ?? crypto.randomUUID().slice(0, 8);
const isWhole = process.env.FAULTS_WHOLE === "yes";
const size = isWhole
  ? { messages: 1_000, reconnects: 100 }
  : isLong
    ? { messages: 240, reconnects: 30 }
    : { messages: 120, reconnects: 15 };
const timeoutMs = 180_000;

bothTest(
  `whatever is lost on the way, everybody ends with what a fresh load shows (FAULTS_SEED=${seed})`,
  async () => {
    const world = await startWorld();
    try {
      const startedMs = performance.now();
      const outcome = await playStory(world, { seed, ...size });
      const { results, changes, seen, fresh, written, counts, reconnects } = outcome;
      if (isWhole) {
        const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
        console.log(`${size.messages} messages, ${reconnects} reconnects, ${seconds} s`, counts);
      }
      expect(results.filter(({ ok }) => !ok)).toEqual([]);
      // Only a message that was deleted meanwhile takes no reaction.
      const refused = changes.flatMap((result) => (result.ok ? [] : result.problem.code));
      expect(refused.filter((code) => code !== "message_deleted")).toEqual([]);
      expect(changes.length).toBeGreaterThan(refused.length);
      expect(reconnects).toBeGreaterThanOrEqual(size.reconnects);
      for (const fault of ["drop", "double", "delay", "reorder"] as const) {
        expect([fault, counts[fault] > 0]).toEqual([fault, true]);
      }
      for (const shown of seen) expect(shown).toEqual(fresh);
      for (const [name, contents] of written) {
        const said = saidBy(fresh.messages, name);
        expect(said).toEqual(contents.map((content, at) => said[at] && content));
      }
    } finally {
      await world.stop();
    }
  },
  timeoutMs,
);
