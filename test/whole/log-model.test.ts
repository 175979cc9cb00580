// Random interleavings of everything people do in a room, held against a small model of its log. LOG_MODEL_SEED repeats a
// run, LOG_MODEL_RUNS=1000 makes it a longer one.
import { beforeAll } from "bun:test";
import fc from "fast-check";
import type { Act } from "./log-model/acts.ts";
import { play } from "./log-model/play.ts";
import type { Cast } from "./log-model/room.ts";
import { bothTest, isLong } from "../world/long.ts";
import { useWorld } from "../world/world.ts";

const seed = Number(process.env.LOG_MODEL_SEED ?? Date.now() % 2 ** 31);
/** Each in a chat of its own, of up to 25 steps: short plays hardly ever edit a message that somebody listens to. */
const runs = Number(process.env.LOG_MODEL_RUNS ?? (isLong ? 120 : 6));
/** Ends the search for a shorter counterexample, too, so that one is reported. */
const timeLimitMs = 60_000 + runs * 1_000;
const timeoutMs = 2 * timeLimitMs;

const world = useWorld();
let cast: Cast;
beforeAll(async () => {
  const owner = await world.person("owner");
  cast = { owner, guests: [await world.person("gil"), await world.person("gus")], sql: world.sql };
});

const by = fc.nat(3);
const overHttp = fc.boolean();
const guest = fc.constantFrom<0 | 1>(0, 1);
const back = fc.constantFrom(0, 0, 0, 1, 3, 1_000, undefined);

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("send" as const), by, overHttp, twice: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("retry" as const),
      by,
      nth: fc.nat(20),
      changed: fc.boolean(),
      overHttp,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("react" as const),
      by,
      nth: fc.nat(20),
      emoji: fc.constantFrom("👍", "❤️"),
      on: fc.boolean(),
      overHttp,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("edit" as const),
      by,
      nth: fc.nat(20),
      content: fc.constantFrom("new" as const, "new" as const, "same" as const),
      guarded: fc.boolean(),
      overHttp,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("delete" as const), by, nth: fc.nat(20), overHttp }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("join" as const), by, back }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("leave" as const), by }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("reconnect" as const), by }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("remove" as const, "invite" as const),
      guest,
      byThemselves: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom("promote" as const, "demote" as const),
      guest,
    }),
  },
);

/** At the same time: one act of each socket, and one change of who is in the chat. */
const step = fc.uniqueArray(act, {
  minLength: 1,
  maxLength: 5,
  selector: (one) => ("by" in one ? one.by : "change"),
});

bothTest(
  "whatever people do at the same time, the room's log is what the model says, and so is what each socket hears",
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25, size: "max" }), (steps) =>
        play(cast, steps),
      ),
      { seed, numRuns: runs, interruptAfterTimeLimit: timeLimitMs, markInterruptAsFailure: true },
    );
  },
  timeoutMs,
);
