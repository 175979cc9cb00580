import { describe, expect, test } from "bun:test";
import { ann, ben, broken, chatId, goodHistory, messageFrame, messageOf } from "./good-history.ts";
import type { Frame, Tape, TapeEvent } from "./history.ts";

type Good = ReturnType<typeof goodHistory>;

/** The frame of a tape that has these members. */
function frameOf(tape: Tape, wanted: Partial<Frame>): Frame {
  const [frame] = eventsOf(tape, wanted).map((event) => event.frame);
  if (!frame) throw new Error(`no frame ${JSON.stringify(wanted)}`);
  return frame;
}

function eventsOf(tape: Tape, wanted: Partial<Frame>) {
  return tape.events.filter(
    (event): event is Extract<TapeEvent, { frame: Frame }> =>
      "frame" in event &&
      Object.entries(wanted).every(([name, value]) => Object(event.frame)[name] === value),
  );
}

function drop(tape: Tape, wanted: Partial<Frame>) {
  const [event] = eventsOf(tape, wanted);
  if (event) tape.events.splice(tape.events.indexOf(event), 1);
}

/** A frame that comes after the last one that has these members. */
function insertAfter(tape: Tape, wanted: Partial<Frame>, frame: Frame, at?: number) {
  const event = eventsOf(tape, wanted).at(-1);
  if (!event) throw new Error(`no frame ${JSON.stringify(wanted)}`);
  const inserted: TapeEvent = { ...event, at: at ?? event.at, kind: "in", frame };
  tape.events.splice(tape.events.indexOf(event) + 1, 0, inserted);
}

describe("of what a reader saw the checker sees", () => {
  const annsTape = ({ history }: Good) => history.tapes[0];
  const bensTape = ({ history }: Good) => history.tapes[1];

  test("a live number that is left out, or comes twice", () => {
    const rename: Partial<Frame> = { type: "chat_updated" };
    expect(broken((good) => drop(annsTape(good), rename))).toContain("number left out live");
    expect(
      broken((good) => insertAfter(annsTape(good), rename, frameOf(annsTape(good), rename))),
    ).toEqual(["number seen twice"]);
  });

  test("a live frame that is not what was stored", () => {
    const spoilt = (wanted: Partial<Frame>, more: Partial<Frame>) =>
      broken((good) => void Object.assign(frameOf(annsTape(good), wanted), more));
    const other = ["frame other than the log"];
    expect(spoilt({ message_id: 104 }, { username: "ann" })).toEqual(other);
    expect(spoilt({ message_id: 104 }, { content: "ho" })).toContain(other[0]!);
    expect(spoilt({ type: "participant_removed" }, { user_id: ann })).toContain(other[0]!);
    expect(spoilt({ type: "chat_updated" }, { type: "participant_added" })).toContain(other[0]!);
    expect(spoilt({ seq: 4, type: "bot_stream" }, { answer_to: 101 })).toEqual(other);
    expect(spoilt({ is_complete: true }, { status: "stopped" })).toContain(other[0]!);
  });

  test("frames after a leave, but none after one that was refused", () => {
    const leave = (reply: Partial<Frame>) =>
      broken((good) => {
        const request_id = "leaves";
        const wanted: Partial<Frame> = { type: "participant_removed" };
        insertAfter(annsTape(good), wanted, { type: "ack", ...reply, request_id });
        insertAfter(annsTape(good), wanted, { type: "leave", chat_id: chatId, request_id });
        const event = eventsOf(annsTape(good), { type: "leave" })[0];
        if (event) event.kind = "out";
      });
    expect(leave({ type: "error", code: "unavailable" })).toEqual([]);
    expect(leave({ type: "ack" })).toContain("frame outside of a join");
  });

  test("a replay that leaves a message out, repeats one, is out of order or wrong", () => {
    expect(broken((good) => drop(bensTape(good), { message_id: 102 }))).toContain(
      "replay left messages out",
    );
    const spoilt = (spoil: (tape: Tape, good: Good) => void) =>
      broken((good) => spoil(bensTape(good), good));
    expect(
      spoilt((tape, good) =>
        insertAfter(tape, { message_id: 102 }, messageFrame(messageOf(good, 102))),
      ),
    ).toEqual(["replayed out of order"]);
    expect(
      spoilt((tape, good) =>
        insertAfter(
          tape,
          { message_id: 103 },
          messageFrame(messageOf(good, 101), { updated_seq: 7 }),
        ),
      ),
    ).toContain("replay sent messages again");
    expect(
      spoilt((tape) => Object.assign(frameOf(tape, { message_id: 103 }), { status: "failed" })),
    ).toContain("replayed other than the log");
    expect(
      spoilt((tape) => void Object.assign(frameOf(tape, { last_seq: 7 }), { recovered: false })),
    ).toEqual(["not recovered for no reason"]);
  });

  test("a join that misses the chat's changes, nobody asked for, or is behind what was seen", () => {
    const spoilt = (lastSeq: number, more: Partial<Frame>) =>
      broken((good) => void Object.assign(frameOf(bensTape(good), { last_seq: lastSeq }), more));
    expect(spoilt(7, { participants: undefined })).toEqual(["joined without the chat's changes"]);
    expect(spoilt(7, { request_id: "b9" })).toContain("joined unasked");
    expect(spoilt(7, { last_seq: 1 })).toContain("joined behind what was seen");
  });

  test("a mention before its message", () => {
    const frame = (seq: number): Frame => ({
      type: "mention",
      chat_id: chatId,
      message_id: 102,
      seq,
    });
    const told = (seq: number) =>
      broken((good) => insertAfter(annsTape(good), { message_id: 101 }, frame(seq)));
    expect(told(1)).toEqual([]);
    expect(told(9)).toEqual(["mention before its message"]);
    // To who is leaving, a mention that waits for the room is told at once.
    const toLeaving = broken((good) => insertAfter(bensTape(good), { type: "leave" }, frame(9)));
    expect(toLeaving).toEqual([]);
  });

  test("a frame of a room after it was left, or before it was joined", () => {
    const frame: Frame = { type: "typing", chat_id: chatId, user_id: ann };
    const outside = ["frame outside of a join"];
    expect(broken((good) => insertAfter(bensTape(good), { type: "ack" }, frame))).toEqual(outside);
    expect(broken((good) => insertAfter(bensTape(good), { type: "join" }, frame))).toEqual(outside);
    expect(broken((good) => insertAfter(bensTape(good), { message_id: 104 }, frame))).toEqual([]);
  });

  test("anything that was written after a removal, but not what comes with the next invitation", () => {
    const told = "told to who was removed";
    const removal: Partial<Frame> = { type: "participant_removed" };
    const activity = (seq: number): Frame => ({ type: "chat_activity", chat_id: chatId, seq });
    const spoilt = (frame: Frame, at: number) =>
      broken((good) => insertAfter(bensTape(good), removal, frame, at));
    expect(spoilt(activity(3), 6)).toEqual([told]);
    expect(spoilt(activity(2), 6)).toEqual([]);
    expect(spoilt(activity(8), 14)).toEqual([]);
    expect(
      spoilt({ type: "bot_stream", chat_id: chatId, message_id: 103, chunk: "A", offset: 0 }, 6),
    ).toEqual([told]);
    expect(
      broken((good) => insertAfter(bensTape(good), removal, messageFrame(messageOf(good, 102)), 6)),
    ).toContain(told);
    const invitedLate = broken(({ history }) => void (history.moves[1]!.startedAt = 18));
    expect(invitedLate).toEqual(["joined by who was removed", told]);
  });

  test("news of a chat that is joined", () => {
    const activity: Frame = { type: "chat_activity", chat_id: chatId, seq: 8 };
    expect(broken((good) => insertAfter(annsTape(good), { message_id: 104 }, activity))).toEqual([
      "activity of a joined chat",
    ]);
  });

  test("chunks that do not fit, come after the end, or are not the answer", () => {
    const spoilt = (wanted: Partial<Frame>, more: Partial<Frame>) =>
      broken((good) => void Object.assign(frameOf(annsTape(good), wanted), more));
    expect(spoilt({ chunk: " it." }, { offset: 7 })).toContain("chunk out of place");
    expect(spoilt({ chunk: "All of" }, { offset: 3 })).toContain("chunk out of place");
    expect(spoilt({ chunk: " it." }, { chunk: " it!" })).toEqual(["chunks are not the answer"]);
    expect(
      broken((good) => {
        const late = { ...frameOf(annsTape(good), { chunk: " it." }), offset: 10 };
        insertAfter(annsTape(good), { is_complete: true }, late);
      }),
    ).toEqual(["chunk after the end"]);
  });

  test("text that is replaced, unless another server has taken the answer over meanwhile", () => {
    const replaced = (servers: number) =>
      broken((good) => {
        good.history.servers = servers;
        const whole = {
          ...frameOf(annsTape(good), { chunk: " it." }),
          chunk: "All of it.",
          offset: 0,
        };
        frameOf(annsTape(good), { chunk: "All of" }).chunk = "None o";
        insertAfter(annsTape(good), { chunk: " it." }, whole);
      });
    expect(replaced(1)).toContain("chunk out of place");
    expect(replaced(2)).toEqual([]);
  });

  test("a second end of an answer", () => {
    expect(
      broken((good) => {
        const tape = annsTape(good);
        insertAfter(tape, { is_complete: true }, frameOf(tape, { is_complete: true }));
      }),
    ).toContain("answer ended twice");
  });

  test("a reader who did not catch up, and so shows something else", () => {
    const rules = broken((good) => drop(annsTape(good), { message_id: 104 }));
    expect(rules).toEqual(["not caught up", "shows other than a fresh load"]);
  });

  test("a request without a reply, with two, or with an internal error", () => {
    const withRequest = (events: (at: number) => TapeEvent[]) =>
      broken((good) => void annsTape(good).events.push(...events(20)));
    const frame: Frame = { type: "ping", request_id: "p1" };
    const asked = (at: number): TapeEvent => ({ at, socket: 2, kind: "out", frame });
    const replied = (at: number, more: Partial<Frame> = {}): TapeEvent => ({
      at,
      socket: 2,
      kind: "in",
      frame: { ...frame, type: "pong", ...more },
    });
    expect(withRequest((at) => [asked(at), replied(at)])).toEqual([]);
    expect(withRequest((at) => [asked(at), replied(at), replied(at)])).toEqual(["replied twice"]);
    expect(
      withRequest((at) => [asked(at), replied(at + 60_000, { request_id: undefined })]),
    ).toEqual(["never replied"]);
    expect(withRequest((at) => [asked(at), { at: at + 1, socket: 2, kind: "closed" }])).toEqual([]);
    expect(
      withRequest((at) => [asked(at), replied(at, { type: "error", code: "internal" })]),
    ).toEqual(["internal error"]);
  });

  test("a request that waits long for others before it, but none that is passed over", () => {
    type Heard = [seconds: number, kind: "out" | "in" | "closed", id?: string];
    const heard = (...events: Heard[]) =>
      broken((good) => {
        const asked = ["p1", "p2", "p3"].map((id): Heard => [0, "out", id]);
        for (const [seconds, kind, id] of [...asked, ...events]) {
          const moment = { at: 20 + seconds * 1_000, socket: 2 };
          const frame: Frame = { type: kind === "out" ? "ping" : "pong", request_id: id };
          const event = kind === "closed" ? { ...moment, kind } : { ...moment, kind, frame };
          annsTape(good).events.push(event);
        }
      });
    expect(heard([15, "in", "p1"], [30, "in", "p2"], [45, "closed"])).toEqual([]);
    expect(heard([15, "in", "p1"], [30, "in", "p2"], [51, "closed"])).toEqual(["never replied"]);
    expect(heard([15, "in", "p2"])).toEqual(["replied out of order"]);
    expect(heard([15, "in", "p1"], [16, "in", "p3"])).toEqual(["replied out of order"]);
  });

  test("a person's second client, held to the same", () => {
    expect(
      broken(
        ({ history }) => void history.tapes.push({ name: "ben-too", userId: ben, events: [] }),
      ),
    ).toEqual(["not caught up", "shows other than a fresh load"]);
  });
});
