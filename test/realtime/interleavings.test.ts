// Random interleavings of everything that happens to a room, against a model of its log.
import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import fc from "fast-check";
import { Sequencer } from "../../src/realtime/sequencer.ts";
import type { FrameText } from "../../src/wire/frame-text.ts";
import { numberedFrame, type NumberedFrame } from "../../src/wire/numbered-frames.ts";
import { startRooms } from "./listeners.ts";
import { chatId, createLog, frame, range, settle, silent } from "./frames.ts";

const gapMs = 250;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

async function pass(ms: number) {
  jest.advanceTimersByTime(ms);
  await settle();
}

/** Lets gaps be repaired until the log's end has left. */
async function catchUp(position: () => number | undefined, lastSeq: number) {
  for (let turn = 0; turn < 100 && position() !== lastSeq; turn += 1) await pass(gapMs);
  expect(position()).toBe(lastSeq);
}

const step = fc.oneof(
  { arbitrary: fc.record({ do: fc.constant("commit"), traceless: fc.boolean() }), weight: 4 },
  // Offers one of the committed numbers, perhaps again; a number that is never chosen was lost.
  { arbitrary: fc.record({ do: fc.constant("offer"), which: fc.nat(1_000) }), weight: 8 },
  { arbitrary: fc.record({ do: fc.constant("offerPassing"), which: fc.nat(1_000) }), weight: 3 },
  fc.record({ do: fc.constant("expect") }),
  fc.record({ do: fc.constant("wait"), ms: fc.integer({ min: 1, max: 300 }) }),
  fc.record({ do: fc.constant("fail"), times: fc.integer({ min: 1, max: 2 }) }),
  fc.record({ do: fc.constant("hold") }),
  fc.record({ do: fc.constant("open") }),
);

test("whatever comes in whatever order or is lost, every number leaves once and in order, and no passing frame too early", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.nat(3), async (steps, startAt) => {
      const log = createLog(3);
      const out: (number | string)[] = [];
      const sequencer = new Sequencer<NumberedFrame, string | FrameText>({
        chatId,
        release: ({ seq }) => void out.push(seq),
        releaseUnnumbered: (text) => void out.push(typeof text === "string" ? text : text.text),
        readLog: log.read,
        log: silent,
      });
      sequencer.start(startAt);
      const passed: { text: string; after: number }[] = [];
      let held: ReturnType<typeof log.hold> | undefined;
      for (const now of steps) {
        const chosen = "which" in now ? 1 + (now.which % log.lastSeq) : 0;
        if (now.do === "commit") {
          log.lastSeq += 1;
          if ("traceless" in now && now.traceless) log.traceless.add(log.lastSeq);
        } else if (now.do === "offer" && !log.traceless.has(chosen)) {
          sequencer.offer(numberedFrame(frame(chosen)));
        } else if (now.do === "offerPassing") {
          const text = `${passed.length} after ${chosen}`;
          passed.push({ text, after: chosen });
          sequencer.offerAfter(chosen, text);
        } else if (now.do === "expect") sequencer.expect(log.lastSeq);
        else if ("ms" in now) await pass(now.ms);
        else if ("times" in now) log.fail(now.times);
        else if (now.do === "hold") held ??= log.hold();
        else if (now.do === "open") {
          held?.open();
          held = undefined;
          await settle();
        }
      }
      held?.open();
      sequencer.expect(log.lastSeq);
      await settle();
      await catchUp(() => sequencer.position, log.lastSeq);

      const durable = out.filter((entry) => typeof entry === "number");
      const all = range(startAt + 1, log.lastSeq).filter((number) => !log.traceless.has(number));
      expect(durable).toEqual(all);
      for (const { text, after } of passed) {
        const at = out.indexOf(text);
        expect(at).toBe(out.lastIndexOf(text));
        expect(at).not.toBe(-1);
        expect(
          out.slice(at).filter((entry) => typeof entry === "number" && entry <= after),
        ).toEqual([]);
      }
      sequencer.close();
    }),
    { numRuns: 300 },
  );
});

const members = [1, 1, 2] as const;
const roomStep = fc.oneof(
  { arbitrary: fc.record({ do: fc.constant("commit") }), weight: 4 },
  { arbitrary: fc.record({ do: fc.constant("publish"), which: fc.nat(1_000) }), weight: 8 },
  {
    arbitrary: fc.record({
      do: fc.constantFrom("enter", "read", "finish", "leave"),
      who: fc.nat(members.length - 1),
    }),
    weight: 8,
  },
  fc.record({ do: fc.constant("wait"), ms: fc.integer({ min: 1, max: 300 }) }),
);

test("whoever joins, joins again and leaves whenever, gets every number from their join on once and in order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(roomStep, { maxLength: 80 }), async (steps) => {
      const log = createLog(2);
      const { rooms, realtime, listener: newListener } = startRooms(log);
      const people = members.map((userId) => ({
        listener: newListener(userId),
        entrance: undefined as ReturnType<typeof rooms.enter> | undefined,
        read: undefined as number | undefined,
        finishing: Promise.resolve(true),
        busy: false,
      }));

      async function act(person: (typeof people)[number], what: string) {
        const { listener, entrance } = person;
        if (what === "enter" && !entrance && !person.busy) {
          listener.sent.push({ type: "entered" });
          person.entrance = rooms.enter(chatId, listener);
        } else if (what === "read" && entrance) {
          person.read ??= log.lastSeq;
        } else if (what === "finish" && entrance && person.read !== undefined) {
          // Reads again what the room has not kept.
          const lastSeq = person.read < entrance.keptFrom ? log.lastSeq : person.read;
          person.entrance = undefined;
          person.read = undefined;
          person.busy = true;
          person.finishing = entrance
            .finish({ lastSeq, memberCount: 2 }, (state) => listener.greet(lastSeq, state))
            .finally(() => (person.busy = false));
          await settle();
        } else if (what === "leave" && !entrance && !person.busy) {
          rooms.leave(chatId, listener);
          listener.sent.push({ type: "left" });
        }
      }

      for (const now of steps) {
        if (now.do === "commit") log.lastSeq += 1;
        else if ("which" in now) realtime.toRoom(frame(1 + (now.which % log.lastSeq)));
        else if ("ms" in now) await pass(now.ms);
        else if ("who" in now) {
          const person = people[now.who];
          if (person) await act(person, now.do);
        }
      }
      for (const person of people) for (const what of ["read", "finish"]) await act(person, what);
      rooms.expect(chatId, log.lastSeq);
      if (rooms.chatIds().length > 0) await catchUp(() => rooms.position(chatId), log.lastSeq);
      for (const { finishing } of people) expect(await finishing).toBe(true);

      for (const { listener } of people) {
        let next: number | undefined;
        for (const sent of listener.sent) {
          if (sent.type === "joined") next = Number(sent.lastSeq) + 1;
          else if (sent.type === "entered" || sent.type === "left") next = undefined;
          else if (sent.updated_seq !== undefined) {
            expect(sent.updated_seq).toBe(next ?? "nothing");
            next = (next ?? 0) + 1;
          }
        }
        if (next !== undefined) expect(next).toBe(log.lastSeq + 1);
      }
    }),
    { numRuns: 300 },
  );
});
