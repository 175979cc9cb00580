import { expect, test } from "bun:test";
import { TextGrowth } from "../../../src/answers/text/growth.ts";

/** Characters that are shown of an answer which comes in pieces of one length. */
function shownOf(length: number, piece: number): { total: number; behindMax: number } {
  const growth = new TextGrowth(0);
  let [total, shown, behindMax] = [0, 0, 0];
  for (let now = piece; now <= length; now += piece) {
    if (growth.isDue(now)) {
      total += now;
      shown = now;
    }
    behindMax = Math.max(behindMax, now - shown);
  }
  // With the last frame, it is shown once more.
  return { total: total + length, behindMax };
}

test.each([1, 7, 40, 1_000])(
  "an answer of 100,000 characters in pieces of %i is shown whole less than seven times over",
  (piece) => expect(shownOf(100_000, piece).total).toBeLessThan(700_000),
);

test("a short answer is never shown more than an eighth or 32 characters behind", () => {
  expect(shownOf(200, 1).behindMax).toBeLessThan(32);
  expect(shownOf(8_000, 1).behindMax).toBeLessThan(1_000);
});

test("the first piece is shown at once, also after text that was kept", () => {
  expect(new TextGrowth(0).isDue(1)).toBe(true);
  const resumed = new TextGrowth(800);
  expect([resumed.isDue(850), resumed.isDue(900), resumed.isDue(910)]).toEqual([
    false,
    true,
    false,
  ]);
});
