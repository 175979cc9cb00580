// The checker's eye for reactions: a history with some, which each test spoils.
import { describe, expect, test } from "bun:test";
import { ann, ben, broken, chatId, goodHistory, messageFrame, messageOf } from "./good-history.ts";
import type { Frame, Reacting } from "./history.ts";

type Good = ReturnType<typeof goodHistory>;

const emoji = "👍";
const stored = { message_id: 101, emoji };

/** 9 ben reacts to ann's first message · 10 ann does · 11 ben takes his back */
function react(good: Good) {
  const { history, chat } = good;
  const message = messageOf(good, 101);
  const reactions = [{ emoji, count: 1, user_ids: [ann] }];
  Object.assign(message, { updated_seq: 11, reactions });
  chat.last_seq = 11;
  chat.reactors.push({ ...stored, user_id: ann });
  const steps = [
    { seq: 9, userId: ben, on: true, count: 1 },
    { seq: 10, userId: ann, on: true, count: 2 },
    { seq: 11, userId: ben, on: false, count: 1 },
  ];
  const [annsTape, bensTape] = history.tapes;
  for (const { seq, userId, on, count } of steps) {
    const kind = on ? ("reaction_added" as const) : ("reaction_removed" as const);
    chat.changes.push({ ...stored, seq, kind, user_id: userId, emoji_count: count });
    const frame = { ...stored, type: "reaction", chat_id: chatId, user_id: userId };
    const more = { on, count, updated_seq: seq };
    annsTape.events.push({ at: 11 + seq, socket: 1, kind: "in", frame: { ...frame, ...more } });
    history.reactions.push(reacting({ userId, on }));
  }
  const join: Frame = { type: "join", chat_id: chatId, after_seq: 8, request_id: "b9" };
  const joined = { ...join, type: "joined", last_seq: 11, recovered: true };
  bensTape.events.push({ at: 20, socket: 1, kind: "out", frame: join });
  for (const frame of [messageFrame(message), joined]) {
    bensTape.events.push({ at: 21, socket: 1, kind: "in", frame });
  }
  for (const { found } of history.loads) {
    const loaded = found.messages.find(({ id }) => id === 101);
    Object.assign(loaded!, { updated_seq: 11, reactions: structuredClone(reactions) });
  }
}

const reacting = (more: Partial<Reacting>): Reacting => ({
  chatId,
  messageId: 101,
  userId: ann,
  emoji,
  on: true,
  isDone: true,
  refusals: [],
  maybeStored: false,
  ...more,
});

const spoilt = (spoil: (good: Good) => void) =>
  broken((good) => {
    react(good);
    spoil(good);
  });
const changeAt = ({ chat }: Good, seq: number) => chat.changes.find((one) => one.seq === seq)!;
const frameAt = ({ history }: Good, seq: number) => {
  const event = history.tapes[0].events.find(
    (each) => "frame" in each && each.frame.updated_seq === seq,
  );
  if (!event || !("frame" in event)) throw new Error(`no frame ${seq}`);
  return event.frame;
};

test("a history with reactions breaks no rule", () => {
  expect(spoilt(() => undefined)).toEqual([]);
});

describe("of reactions the checker sees", () => {
  test.each<[what: string, rule: string, spoil: (good: Good) => void]>([
    [
      "one that was acknowledged and is not stored",
      "acknowledged but not so",
      ({ history }) => history.reactions.push(reacting({ userId: ben })),
    ],
    [
      "one that nobody asked for",
      "reacted without being asked",
      ({ history }) => void history.reactions.splice(1, 1),
    ],
    [
      "one that was never answered",
      "never answered",
      ({ history }) => history.reactions.push(reacting({ isDone: false })),
    ],
    [
      "one that was refused for no reason",
      "refused for no reason",
      ({ history }) => history.reactions.push(reacting({ isDone: false, refusals: ["invalid"] })),
    ],
    [
      "one that took two numbers",
      "reacted twice",
      (good) => void (changeAt(good, 10).user_id = ben),
    ],
    ["a wrong count", "wrong count", (good) => void (changeAt(good, 10).emoji_count = 3)],
    [
      "a message that shows another person",
      "reactions other than the log",
      (good) => void (messageOf(good, 101).reactions[0]!.user_ids = [ben]),
    ],
    [
      "a row that is missing",
      "reactions other than the log",
      ({ chat }) => void chat.reactors.splice(0),
    ],
    [
      "a deleted message that still has some",
      "reactions of a deleted message",
      (good) =>
        void Object.assign(messageOf(good, 101), { deleted_at: "2026-11-22T11:00:00.000Z" }),
    ],
    [
      "a live frame with another count",
      "frame other than the log",
      (good) => void (frameAt(good, 10).count = 1),
    ],
    [
      "a live frame of another person",
      "frame other than the log",
      (good) => void (frameAt(good, 10).user_id = ben),
    ],
    [
      "a live message with reactions that came later",
      "frame other than the log",
      ({ history }) => {
        const event = history.tapes[0].events.find(
          (each) =>
            "frame" in each && each.frame.type === "message" && each.frame.message_id === 101,
        );
        if (event && "frame" in event)
          event.frame.reactions = [{ emoji, count: 1, user_ids: [ann] }];
      },
    ],
    [
      "a replayed message with other reactions",
      "replayed other than the log",
      ({ history }) => {
        const event = history.tapes[1].events.findLast(
          (each) => "frame" in each && each.frame.message_id === 101,
        );
        if (event && "frame" in event) event.frame.reactions = [];
      },
    ],
    [
      "a reader who was not told of one",
      "shows other than a fresh load",
      ({ history }) => {
        const [tape] = history.tapes;
        tape.events = tape.events.filter(
          (each) => !("frame" in each && each.frame.updated_seq === 10 && each.frame.emoji),
        );
      },
    ],
  ])("%s", (_, rule, spoil) => {
    expect(spoilt(spoil)).toContain(rule);
  });
});
