import { describe, expect, test } from "bun:test";
import { check } from "./checker.ts";
import { broken, goodHistory, messageOf, questionId } from "./good-history.ts";

type Good = ReturnType<typeof goodHistory>;

test("a history without a fault breaks no rule", () => {
  expect(check(goodHistory().history)).toEqual([]);
});

describe("of what is stored the checker sees", () => {
  const cases: [string, string[], (good: Good) => void][] = [
    [
      "a message that was acknowledged and is gone",
      ["acknowledged but not stored"],
      ({ history }) =>
        history.sends.push({ ...goodHistory().history.sends[0]!, clientId: "ann-3" }),
    ],
    [
      "a message that was acknowledged under another number",
      ["acknowledged as another"],
      ({ history }) => history.sends[0]?.acks.push({ messageId: 101, seq: 2 }),
    ],
    [
      "a message that was acknowledged as another one",
      ["acknowledged as another"],
      ({ history }) => history.sends[0]?.acks.push({ messageId: 104, seq: 1 }),
    ],
    [
      "a message that was refused and stored",
      ["refused but stored"],
      ({ history: { sends } }) => Object.assign(sends[2]!, { acks: [], refusals: ["not_found"] }),
    ],
    [
      "a message of a participant that was refused",
      ["refused for no reason"],
      ({ history: { sends } }) => sends[0]?.refusals.push("not_found"),
    ],
    [
      "a message that nobody ever answered",
      ["never answered"],
      ({ history: { sends } }) => Object.assign(sends[0]!, { acks: [], maybeStored: true }),
    ],
    [
      "content that is not what was sent",
      ["stored with other content"],
      ({ history: { sends } }) => Object.assign(sends[0]!, { content: "ho" }),
    ],
    [
      "a display name that was acknowledged and is gone",
      ["acknowledged but not stored"],
      ({ history: { profiles } }) =>
        void profiles.push({ userId: 1, name: "Anna", isDone: true, maybeStored: false }),
    ],
    [
      "a display name that the search would not find",
      ["name not found"],
      ({ history: { names } }) => void names.get(1)?.parts.splice(0),
    ],
    [
      "a message that nobody sent",
      ["stored but never sent"],
      ({ history: { sends } }) => void sends.splice(0, 1),
    ],
  ];
  test.each(cases)("%s", (_, rules, spoil) => expect(broken(spoil)).toEqual(rules));

  test("two rows of one client id", () => {
    expect(
      broken(({ chat }) => {
        chat.messages.push({ ...chat.messages[0]!, id: 105, seq: 9, updated_seq: 9, ordinal: 5 });
        Object.assign(chat, { last_seq: 9, message_count: 5 });
      }),
    ).toContain("stored twice");
  });

  test("a number that is taken twice, left out, or above last_seq", () => {
    const renumber = (seq: number) => (good: Good) =>
      void Object.assign(messageOf(good, 104), { seq, updated_seq: seq });
    expect(broken(renumber(7))).toContain("number taken twice");
    expect(broken(renumber(9))).toContain("number left out");
    expect(broken(({ chat }) => void (chat.last_seq = 9))).toContain("wrong last_seq");
  });

  test("a change of a message that the log does not record", () => {
    expect(broken(({ chat }) => void chat.changes.splice(2, 1))).toContain("change not recorded");
  });

  test("counters that do not count", () => {
    for (const name of ["message_count", "participant_count", "updated_seq"] as const) {
      expect(broken(({ chat }) => void (chat[name] += 1))).toEqual(["wrong counter"]);
    }
    expect(broken((good) => void (messageOf(good, 104).ordinal = 5))).toContain("wrong counter");
  });

  test("an answer that is left streaming, is not the model's, or answers nothing", () => {
    expect(broken((good) => void (messageOf(good, 103).status = "streaming"))).toContain(
      "left streaming",
    );
    expect(broken(({ history }) => void (history.answerTo = () => "Else."))).toEqual([
      "wrong answer",
    ]);
    expect(broken((good) => void (messageOf(good, 103).answer_to = null))).toContain(
      "answer without a question",
    );
  });

  test("a question without its answer, and one that the model was asked twice", () => {
    expect(
      broken(({ history }) => void Object.assign(history.sends[0]!, { asksBot: true })),
    ).toEqual(["wrong number of answers"]);
    expect(broken(({ history }) => void history.asked.set(questionId, 2))).toEqual([
      "asked the model twice",
    ]);
  });

  test("a removal, an invitation or a name that did not happen, or happened twice", () => {
    expect(broken(({ history }) => void history.moves.pop())).toContain(
      "membership is not as asked",
    );
    expect(broken(({ history }) => void history.renames.pop())).toEqual(["name is not as asked"]);
    expect(broken(({ history }) => void (history.renames[0]!.name = "old"))).toEqual([
      "name is not as asked",
    ]);
  });

  test("a fresh load that shows something else, to somebody else, or nothing", () => {
    expect(broken(({ history }) => void history.loads[0].found.messages.pop())).toEqual([
      "loaded other than stored",
    ]);
    expect(broken(({ history }) => void history.loads[0].found.participants.pop())).toEqual([
      "loaded other participants",
    ]);
    expect(
      broken(({ history }) => void Object.assign(history.loads[0], { found: undefined })),
    ).toEqual(["not loaded by a participant"]);
    expect(broken(({ history }) => void Object.assign(history.loads[0], { userId: 30 }))).toEqual([
      "loaded by a stranger",
    ]);
  });

  test("whatever the players of the faults say went wrong", () => {
    const incidents = ["the server died"];
    expect(broken(({ history }) => void Object.assign(history, { incidents }))).toEqual([
      "incident",
    ]);
  });
});
