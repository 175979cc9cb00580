// Short versions of `bun run faults`, in `bun run check` shorter than in `bun run check:long`: the guarantees of the room log hold while the server and its database fail.
import { expect } from "bun:test";
import { bothTest, isLong } from "../world/long.ts";
import { hasNats } from "../world/nats.ts";
import { playFaults } from "./faults/faults.ts";
import { createRandom } from "./faults/random.ts";

const seed = process.env.FAULTS_SEED ?? crypto.randomUUID().slice(0, 8);
/** The fault of the short form: one of two, by the seed. */
const shortFault = createRandom(seed).fork("short form").pick(["kill -9", "replies lost"]);
const timeoutMs = 300_000;
/** Two servers, and one restart of what is between them. */
const busRounds = {
  "bus killed": isLong && hasNats ? 1 : 0,
  "bus hung": 0,
  "bus cut from one": 0,
  "bus late": 0,
  "bus doubled": 0,
  "bus lossy": 0,
  "one of several killed": 0,
  "one of several stands still": 0,
  "several restarted in turn": 0,
};

/** How often each fault is played. */
const rounds = {
  "kill -9": isLong ? 3 : Number(shortFault === "kill -9"),
  "rolling restart": isLong ? 1 : 0,
  "database stopped": isLong ? 3 : 0,
  "connections ended": isLong ? 1 : 0,
  "replies lost": isLong ? 1 : Number(shortFault === "replies lost"),
  "answers killed": isLong ? 1 : 0,
  "sockets cut": isLong ? 1 : 0,
  "people removed": isLong ? 1 : 0,
  ...busRounds,
};

bothTest(
  "nothing is lost, doubled, out of order or told to who was removed, whatever breaks",
  async () => {
    const said = [`FAULTS_SEED=${seed} makes the same decisions`];
    const { figures, violations } = await playFaults({
      seed,
      rounds,
      awayMs: 1_000,
      pauseFactor: 4,
      say: (line) => void said.push(line),
    });
    if (violations.length > 0) throw new Error(said.join("\n"));
    for (const [fault, { acks, faults }] of figures) {
      expect([fault, acks > 0, faults > 0]).toEqual([fault, true, true]);
    }
    expect(figures.size).toBe(Object.values(rounds).filter((times) => times > 0).length);
  },
  timeoutMs,
);
