import { describe, expect, test } from "bun:test";
import { broken, goodHistory } from "./good-history.ts";
import type { ExportKind, ExportRecord } from "./history.ts";

type Good = ReturnType<typeof goodHistory>;

describe("of accounts that were deleted the checker sees", () => {
  const cases: [string, string[], (good: Good) => void][] = [
    [
      "a deletion that no server finishes",
      ["deletion not completed"],
      ({ history }) => history.leftBehind.unfinished.push(60),
    ],
    [
      "an account that is still there",
      ["acknowledged but not deleted"],
      ({ history }) => {
        const person = history.leftBehind.people.get(60);
        if (person) Object.assign(person, { isDeleted: false, username: "ann" });
      },
    ],
    [
      "a session that goes on",
      ["acknowledged but not deleted"],
      ({ history }) => void Object.assign(history.leftBehind.people.get(70) ?? {}, { sessions: 1 }),
    ],
    [
      "an erased text in a table",
      ["text of a deleted account"],
      ({ history }) => history.leftBehind.tablesWith.get("word60")?.push("message_versions"),
    ],
    [
      "a text of a profile in a table",
      ["text of a deleted account"],
      ({ history }) => history.leftBehind.tablesWith.get("profile70")?.push("display_name_parts"),
    ],
    [
      "a message that was not erased",
      ["message of a deleted account", "loaded other than stored"],
      ({ history }) => Object.assign(erased(history).messages[1]!, { deleted_at: null }),
    ],
    [
      "a message that was to be kept and is gone",
      ["message of a deleted account", "loaded other than stored"],
      ({ history }) => Object.assign(kept(history).messages[0]!, { content: "" }),
    ],
    [
      "a message that was erased twice",
      ["number left out", "wrong last_seq", "change not recorded", "erased more or less than once"],
      ({ history }) =>
        void erased(history).changes.push({
          seq: 9,
          kind: "message_updated",
          message_id: 6001,
          user_id: null,
        }),
    ],
    [
      "a number that a repeated erasure has left out",
      ["number left out", "change not recorded", "erased more or less than once"],
      ({ history }) => void erased(history).changes.splice(3, 1),
    ],
    [
      "a chat that was not handed over",
      ["chat not handed over"],
      ({ history }) => void history.leftBehind.owners.set(700, 70),
    ],
    [
      "a person who has left a chat twice",
      ["number taken twice", "left more or less than once"],
      ({ history }) => {
        const { changes } = kept(history);
        changes.push(changes.at(-1)!);
      },
    ],
    [
      "a chat that nobody is in",
      ["chat of nobody"],
      ({ history }) => void history.leftBehind.owners.set(601, 60),
    ],
    [
      "a chat that is loaded other than stored",
      ["loaded other than stored"],
      ({ history }) => void history.leftBehind.loads[0]?.found?.messages.pop(),
    ],
  ];
  test.each(cases)("%s", (_, rules, spoil) => {
    expect(broken(spoil).toSorted()).toEqual(rules.toSorted());
  });
});

const erased = ({ leftBehind }: Good["history"]) => leftBehind.chats[0]!;
const kept = ({ leftBehind }: Good["history"]) => leftBehind.chats[1]!;

function exportOf({ history }: Good, kind: ExportKind): ExportRecord {
  return history.exports.records.find((record) => record.kind === kind)!;
}

describe.each(["jsonl", "md", "html", "account"] as const)(
  "of exports as %s the checker sees",
  (kind) => {
    test("one that was cut off, and looks whole", () => {
      for (const length of [1, 20, 200]) {
        const rules = broken((good) => {
          const whole = exportOf(good, kind);
          good.history.exports.records.push({ ...whole, text: whole.text.slice(0, -length) });
        });
        expect(rules).toEqual(["cut export looks whole"]);
      }
    });

    test("nothing wrong with one whose connection broke", () => {
      const rules = broken((good) => {
        const { text } = exportOf(good, kind);
        good.history.exports.records.push({ kind, text: text.slice(0, -9), isBroken: true });
        good.history.exports.records.push({ kind, text: "", isBroken: true });
      });
      expect(rules).toEqual([]);
    });

    test("a message that is missing, doubled, other or out of order", () => {
      for (const [from, to] of [
        ["first", "frist"],
        ["second 🙂", "third"],
        ["third", "first"],
      ] as const) {
        const rules = broken((good) => {
          const record = exportOf(good, kind);
          record.text = record.text.replace(from, to);
        });
        expect(rules).toEqual(["export is not exact"]);
      }
      const rules = broken((good) => {
        const record = exportOf(good, kind);
        const at = record.text.indexOf("second");
        const begin = record.text.lastIndexOf(kind === "md" ? "\n## " : "\n", at);
        const next = record.text.indexOf("third");
        const end = record.text.lastIndexOf(kind === "md" ? "\n## " : "\n", next);
        // In HTML the text has a line of its own.
        if (kind !== "html") record.text = record.text.slice(0, begin) + record.text.slice(end);
        else record.text = record.text.replace(/<article id="m2">.*\n.*\n/, "");
      });
      expect(rules).toEqual(["export is not exact"]);
    });

    test("that none succeeds afterwards", () => {
      const rules = broken(({ history }) => {
        const { records } = history.exports;
        records.splice(
          records.findIndex((record) => record.kind === kind),
          1,
        );
      });
      expect(rules).toEqual(["no export afterwards"]);
    });
  },
);
