// The checker's eye for presence: a history with some, which each test spoils.
import { describe, expect, test } from "bun:test";
import { goneMsMax } from "./check-presence.ts";
import { ann, ben, broken, type goodHistory } from "./good-history.ts";
import type { Frame } from "./history.ts";

type Good = ReturnType<typeof goodHistory>;
type Users = NonNullable<Frame["users"]>;

const [lee, sam] = [30, 40];
const lostAt = 20;
const seen = "2026-11-22T10:00:00.000Z";

const is = (user_id: number, status: string, last_seen_at: string | null = null) => ({
  ...{ user_id, status, last_seen_at },
});

/** Ann watches ben, who is away at the end, lee, who has gone, and sam, whom she does not know. */
function watch({ history }: Good) {
  Object.assign(history.presence, {
    statuses: new Map([
      [ann, "online"],
      [ben, "away"],
      [sam, "online"],
    ]),
    together: new Set([`${ann} ${ben}`, `${ben} ${ann}`, `${ann} ${lee}`]),
    strangers: [sam],
    absent: { userId: lee, lostAt },
  });
  add(history, 18, "out", { type: "watch_presence", user_ids: [ann, ben, lee, sam] });
  told(history, 18, [is(ann, "online"), is(ben, "online"), is(lee, "online"), is(sam, "offline")]);
  told(history, 19, [is(ben, "away")]);
  told(history, lostAt + goneMsMax, [is(lee, "offline", seen)]);
  add(history, lostAt + goneMsMax + 1, "in", { type: "pong" });
}

function add({ tapes: [anns] }: Good["history"], at: number, kind: "in" | "out", frame: Frame) {
  anns.events.push({ at, socket: 2, kind, frame });
}

const told = (history: Good["history"], at: number, users: Users) =>
  add(history, at, "in", { type: "presence", users });

const spoilt = (spoil: (history: Good["history"]) => void) =>
  broken((good) => {
    watch(good);
    spoil(good.history);
  });

/** Takes an event of ann's away. */
function drop({ tapes: [anns] }: Good["history"], is: (frame: Frame) => boolean) {
  anns.events = anns.events.filter((event) => !("frame" in event && is(event.frame)));
}

const at = lostAt + goneMsMax + 2;

describe("the checker", () => {
  test("has nothing to say of people who are shown what they are", () => {
    expect(spoilt(() => {})).toEqual([]);
  });

  test("sees somebody who is shown as something else at the end", () => {
    expect(spoilt((history) => told(history, at, [is(ben, "online")]))).toEqual([
      "presence is not the truth",
    ]);
  });

  test("sees that somebody was never told of", () => {
    const isFirst = (frame: Frame) => frame.users?.length === 4;
    expect(spoilt((history) => drop(history, isFirst))).toEqual(["presence is not the truth"]);
  });

  test("sees that somebody without a chat in common is told of", () => {
    const rules = ["presence of a stranger"];
    expect(spoilt((history) => told(history, 19, [is(sam, "online"), is(sam, "offline")]))).toEqual(
      rules,
    );
    expect(spoilt((history) => told(history, 19, [is(sam, "offline", seen)]))).toEqual(rules);
  });

  test("sees somebody who was removed from the last common chat and is shown nevertheless", () => {
    expect(spoilt((history) => (history.presence.together = new Set([`${ann} ${lee}`])))).toEqual([
      "presence is not the truth",
    ]);
  });

  test("sees who stays online for longer than the lease of a server", () => {
    const late = spoilt((history) => {
      drop(history, ({ users }) => users?.[0]?.user_id === lee);
      told(history, at, [is(lee, "offline", seen)]);
    });
    expect(late).toEqual(["online though gone"]);
    expect(spoilt((history) => told(history, at, [is(lee, "online")]))).toEqual([
      "online though gone",
      "presence is not the truth",
    ]);
  });

  test("sees presence that nobody has asked for", () => {
    expect(spoilt((history) => told(history, 19, [is(50, "offline")]))).toEqual([
      "presence unasked",
    ]);
  });

  test("sees a socket that does not ask again after it was lost", () => {
    const lost = ({ tapes: [anns] }: Good["history"]) =>
      anns.events.push({ at, socket: 2, kind: "closed" }, { at, socket: 3, kind: "opened" });
    expect(spoilt(lost)).toContain("presence never asked for");
  });
});
