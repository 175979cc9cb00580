// The checker's eye for edits and deletions: a history with some of both, which each test spoils.
import { describe, expect, test } from "bun:test";
import { ann, ben, broken, chatId, goodHistory, messageFrame, messageOf } from "./good-history.ts";
import type { Frame, Revision, Tape } from "./history.ts";

type Good = ReturnType<typeof goodHistory>;

const deletedAt = "2026-11-22T11:00:00.000Z";
const updated = { message_id: null, user_id: null, kind: "message_updated" as const };

/** 9 ann edits her first message · 10 ben deletes his · 11 ann deletes the answer */
function revise(good: Good) {
  const { history, chat } = good;
  const edited = messageOf(good, 101);
  const [bens, answer] = [messageOf(good, 104), messageOf(good, 103)];
  Object.assign(edited, { updated_seq: 9, content: "hello", edited_at: deletedAt });
  edited.versions.push({ updated_seq: 9, content: "hello" });
  const deletions = [
    { message: bens, updated_seq: 10 },
    { message: answer, updated_seq: 11 },
  ];
  const before = [messageFrame(edited)];
  for (const { message, updated_seq } of deletions) {
    const bare = { content: "", deleted_at: deletedAt, versions: [], updated_seq };
    Object.assign(message, bare);
    before.push(messageFrame(message));
  }
  chat.last_seq = 11;
  chat.changes.push(
    { ...updated, seq: 9, message_id: 101 },
    { ...updated, seq: 10, message_id: 104 },
    { ...updated, seq: 11, message_id: 103 },
  );
  const [annsTape, bensTape] = history.tapes;
  before.forEach((frame, index) => {
    const type = "message_updated";
    annsTape.events.push({ at: 20 + index, socket: 1, kind: "in", frame: { ...frame, type } });
  });
  const join: Frame = { type: "join", chat_id: chatId, after_seq: 8, request_id: "b9" };
  const joined = { ...join, type: "joined", last_seq: 11, recovered: true };
  bensTape.events.push({ at: 20, socket: 1, kind: "out", frame: join });
  for (const frame of [...before, joined]) {
    bensTape.events.push({ at: 21, socket: 1, kind: "in", frame });
  }
  for (const { found } of history.loads) {
    found.messages = chat.messages.map(({ ordinal: _, versions: __, ...message }) => ({
      ...message,
    }));
  }
  const revision = (more: Partial<Revision> & { messageId: number; acks: number[] }): Revision => ({
    chatId,
    userId: ann,
    kind: "delete",
    content: "",
    ifSeq: undefined,
    isGuarded: false,
    refusals: [],
    maybeStored: false,
    ...more,
  });
  history.revisions.push(
    revision({ messageId: 101, kind: "edit", content: "hello", acks: [9] }),
    revision({ messageId: 104, userId: ben, acks: [10] }),
    revision({ messageId: 103, acks: [11] }),
  );
}

const spoilt = (spoil: (good: Good) => void) =>
  broken((good) => {
    revise(good);
    spoil(good);
  });

function frameOf(tape: Tape, messageId: number, type: string): Frame {
  const event = tape.events.findLast(
    (each) => "frame" in each && each.frame.type === type && each.frame.message_id === messageId,
  );
  if (!event || !("frame" in event)) throw new Error(`no ${type} of ${messageId}`);
  return event.frame;
}

test("a history with edits and deletions and without a fault breaks no rule", () => {
  expect(spoilt(() => {})).toEqual([]);
});

describe("of edits and deletions the checker sees", () => {
  const cases: [string, string, (good: Good) => void][] = [
    [
      "an acknowledged edit that is not in the log",
      "acknowledged but not in the log",
      ({ history }) => history.revisions[0]?.acks.push(7),
    ],
    [
      "an acknowledged edit whose text is not stored",
      "acknowledged with another text",
      ({ history }) => Object.assign(history.revisions[0]!, { content: "hullo" }),
    ],
    [
      "a text that nobody wrote",
      "edited by nobody",
      ({ history }) => void history.revisions.splice(0, 1),
    ],
    [
      "an edit without its version",
      "versions other than the log",
      (good) => void messageOf(good, 101).versions.shift(),
    ],
    [
      "a deleted message that is still there",
      "deleted but still there",
      (good) => Object.assign(messageOf(good, 104), { deleted_at: null, content: "hi" }),
    ],
    [
      "a version of a deleted message",
      "text of a deleted message",
      (good) => messageOf(good, 104).versions.push({ updated_seq: 8, content: "hi" }),
    ],
    [
      "a message that nobody deleted",
      "deleted by nobody",
      ({ history }) => void history.revisions.splice(1, 1),
    ],
    [
      "a change that was never answered",
      "never answered",
      ({ history }) => Object.assign(history.revisions[0]!, { acks: [], maybeStored: true }),
    ],
    [
      "a refusal of an author who was there",
      "refused for no reason",
      ({ history }) => history.revisions[0]?.refusals.push("not_found"),
    ],
    [
      "an edit of a message that the log has not changed",
      "change not recorded",
      ({ chat }) => void chat.changes.splice(4, 1),
    ],
  ];
  test.each(cases)("%s", (_, rule, spoil) => expect(spoilt(spoil)).toContain(rule));

  test("a refusal because the message was changed, unless nothing can have changed it", () => {
    const refused = (more: Partial<Revision>) =>
      spoilt(({ history: { revisions } }) => {
        revisions.push({ ...revisions[0]!, acks: [], refusals: ["changed_meanwhile"], ...more });
      });
    expect(refused({ isGuarded: true })).toEqual(["refused for no reason"]);
    expect(refused({ isGuarded: true, maybeStored: true })).toEqual([]);
    expect(refused({ maybeStored: true })).toEqual(["refused for no reason"]);
    expect(refused({ refusals: ["message_deleted"] })).toEqual(["refused for no reason"]);
    expect(refused({ refusals: ["message_deleted"], messageId: 104 })).toEqual([]);
    expect(refused({ isGuarded: true, messageId: 104 })).toEqual([]);
  });

  test("a live frame with another text, or that shows a deletion otherwise", () => {
    const live = (id: number, more: Partial<Frame>) =>
      spoilt(({ history }) =>
        Object.assign(frameOf(history.tapes[0], id, "message_updated"), more),
      );
    const other = "frame other than the log";
    expect(live(101, { content: "hi" })).toContain(other);
    expect(live(101, { type: "message" })).toContain(other);
    expect(live(104, { content: "hi", deleted_at: null })).toContain(other);
    expect(live(104, { deleted_at: null })).toContain(other);
    expect(live(101, { deleted_at: deletedAt })).toContain(other);
  });

  test("a replay of an older text under the number of a newer one", () => {
    const replayed = (id: number, more: Partial<Frame>) =>
      spoilt(({ history }) => Object.assign(frameOf(history.tapes[1], id, "message"), more));
    const other = "replayed other than the log";
    expect(replayed(101, { content: "hi" })).toContain(other);
    expect(replayed(103, { content: "All of it." })).toContain(other);
    expect(replayed(104, { deleted_at: null })).toContain(other);
  });

  test("a message that was sent with another text than its first version", () => {
    expect(spoilt(({ history }) => Object.assign(history.sends[0]!, { content: "ho" }))).toContain(
      "stored with other content",
    );
  });

  test("a frame of a type that the checker does not know", () => {
    for (const frame of [{ type: "wave", chat_id: chatId }, { type: "news" }]) {
      const rules = spoilt(({ history }) => {
        history.tapes[0].events.push({ at: 30, socket: 1, kind: "in", frame });
      });
      expect(rules).toEqual(["unknown frame"]);
    }
  });
});
